// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Dispatch
private import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Waits for changes of a project's sources.
///
/// On Linux the kernel tells of them (inotify(7)); elsewhere the sources are looked at twice a second.
package final class FolderWatch: Sendable {
    private let project: FilterProject
    private let stop: StopFlag
    #if canImport(Darwin)
        private static let interval: Int32 = 500
    #else
        private let events: FileDescriptor
    #endif

    /// Begins to watch; what changes from now on is noticed.
    package init(_ project: FilterProject) throws {
        self.project = project
        stop = try StopFlag()
        #if !canImport(Darwin)
            let descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
            guard descriptor >= 0 else { throw SystemError("watch", project.root.string, errno: errno) }
            events = FileDescriptor(rawValue: descriptor)
            try addFolders()
        #endif
    }

    deinit {
        #if !canImport(Darwin)
            try? events.close()
        #endif
    }

    /// Returns when something has changed, and then nothing more for a moment.
    /// - Throws: `CancellationError` if the task is cancelled meanwhile.
    package func change() async throws {
        try await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                DispatchQueue.global().async { [self] in
                    wait()
                    continuation.resume()
                }
            }
            try Task.checkCancellation()
        } onCancel: {
            stop.set()
        }
        #if !canImport(Darwin)
            // Folders that are new now are watched too.
            try addFolders()
        #endif
    }

    /// An editor writes a file in several steps, and a checkout many files.
    private static let quiet: Int32 = 60

    #if canImport(Darwin)
        private func wait() {
            var wait = [pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)]
            let before = try? BuildInputs(of: project).digest()
            while poll(&wait, 1, Self.interval) == 0 {
                if (try? BuildInputs(of: project).digest()) != before { return }
            }
        }
    #else
        private static let mask = UInt32(
            IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB)

        private func addFolders() throws {
            for folder in try BuildInputs(of: project).folders() {
                // Watching a folder again changes nothing; one that went away meanwhile is no loss.
                guard inotify_add_watch(events.rawValue, folder.string, Self.mask) < 0, errno != ENOENT else {
                    continue
                }
                throw SystemError("watch", folder.string, errno: errno)
            }
        }

        private func wait() {
            var wait = [
                pollfd(fd: events.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            var timeout: Int32 = -1
            while true {
                let ready = poll(&wait, 2, timeout)
                if ready < 0, errno == EINTR { continue }
                // Nothing more came, or nobody waits any longer.
                if ready <= 0 || wait[1].revents != 0 { return }
                drain()
                timeout = Self.quiet
            }
        }

        private func drain() {
            withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) { buffer in
                while read(events.rawValue, buffer.baseAddress, buffer.count) > 0 {}
            }
        }
    #endif
}
