// SPDX-License-Identifier: Apache-2.0

private import Dispatch
private import Synchronization
import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Between a toolchain and the person who watches it: what it prints goes on at once, and is read along.
///
/// Where a person watches at a terminal the toolchain gets one too, a pseudo-terminal of the same size, and so keeps its
/// colours and its way of showing progress.
struct OutputChannel: Sendable {
    /// Where the toolchain writes.
    let writeEnd: FileDescriptor
    private let readEnd: FileDescriptor
    private let destination: FileDescriptor

    /// Opens a channel to where people see it.
    init(to destination: FileDescriptor) throws {
        self.destination = destination
        if let (read, write) = Self.terminal(like: destination.rawValue) {
            readEnd = FileDescriptor(rawValue: read)
            writeEnd = FileDescriptor(rawValue: write)
        } else {
            (readEnd, writeEnd) = try FileDescriptor.pipe()
        }
        // No other process that is started meanwhile may hold them open.
        for end in [readEnd, writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
    }

    /// A pseudo-terminal of the size of a terminal; nil if that is none, or there are no more.
    private static func terminal(like other: Int32) -> (read: Int32, write: Int32)? {
        var read: Int32 = -1
        var write: Int32 = -1
        guard isatty(other) == 1, openpty(&read, &write, nil, nil, nil) == 0 else { return nil }
        var size = winsize()
        if ioctl(other, UInt(TIOCGWINSZ), &size) == 0 { _ = ioctl(write, UInt(TIOCSWINSZ), &size) }
        // Line ends are made by the terminal behind this one.
        var mode = termios()
        if tcgetattr(write, &mode) == 0 {
            mode.c_oflag &= ~tcflag_t(OPOST)
            _ = tcsetattr(write, TCSANOW, &mode)
        }
        return (read, write)
    }

    /// Passes everything on until the toolchain has ended.
    /// - Parameters:
    ///   - scan: reads along.
    ///   - isShown: whether it is passed on as it comes; what is not is kept, to be shown after a failure.
    ///   - ending: becomes true when the toolchain has ended: what it left running does not keep us.
    /// - Returns: what was read along, and what was not shown.
    func pump(_ scan: OutputScan, isShown: Bool, until ending: StopFlag) async -> (OutputScan, kept: [UInt8])
    {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: pumpNow(scan, isShown: isShown, until: ending))
            }
        }
    }

    private static let keptBytes = 256 << 10

    private func pumpNow(
        _ scan: OutputScan, isShown: Bool, until ending: StopFlag
    ) -> (OutputScan, kept: [UInt8]) {
        var scan = scan
        var kept: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let hasEnded = ending.isSet
            var wait = [
                pollfd(fd: readEnd.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: ending.descriptor, events: Int16(hasEnded ? 0 : POLLIN), revents: 0),
            ]
            // A terminal hands on what was written a moment later.
            let ready = poll(&wait, 2, hasEnded ? 100 : -1)
            if ready < 0, errno == EINTR { continue }
            if ready <= 0 { break }
            guard wait[0].revents != 0 else { continue }
            let count = read(readEnd.rawValue, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            // A terminal without a program at its other end is EIO.
            guard count > 0 else { break }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if isShown {
                show(bytes)
            } else {
                kept.append(contentsOf: bytes)
                if kept.count > 2 * Self.keptBytes { kept.removeFirst(kept.count - Self.keptBytes) }
            }
            scan.take(bytes)
        }
        scan.finish()
        return (scan, kept)
    }

    /// Writes to where people see it; nobody there is no error of the build.
    func show(_ bytes: UnsafeRawBufferPointer) { _ = try? destination.writeAll(bytes) }

    /// Closes the end that the toolchain wrote to.
    func closeWriteEnd() { try? writeEnd.close() }

    /// Closes the end that was read.
    func closeReadEnd() { try? readEnd.close() }
}

/// Tells a thread that waits in `poll` to stop.
final class StopFlag: Sendable {
    private let state = Atomic(false)
    private let ends: (read: FileDescriptor, write: FileDescriptor)

    init() throws {
        let pipe = try FileDescriptor.pipe()
        for end in [pipe.readEnd, pipe.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        ends = (pipe.readEnd, pipe.writeEnd)
    }

    deinit {
        try? ends.read.close()
        try? ends.write.close()
    }

    /// Becomes readable when it is set.
    var descriptor: Int32 { ends.read.rawValue }
    var isSet: Bool { state.load(ordering: .acquiring) }

    func set() {
        guard !state.exchange(true, ordering: .acquiringAndReleasing) else { return }
        _ = try? ends.write.writeAll([0])
    }
}
