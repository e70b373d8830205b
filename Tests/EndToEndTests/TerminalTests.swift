// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import LoopbackServer
import OCI
import SystemPackage
import TestSupport
import Testing

/// The real binary at a real (pseudo-)terminal.
@Suite struct TerminalTests {
    /// A registry with one image, whose bytes come slowly.
    private struct SlowRegistry {
        let server: LoopbackServer
        var reference: String { "\(server.authority)/slow/filter:v1" }

        /// Each blob comes in that many pieces; if it lies, the last one is not what its digest says.
        init(pieces: Int, lies: Bool = false) throws {
            let blobs = (0..<3).map { [UInt8](repeating: UInt8($0), count: 200_000) }
            let layers = blobs.map {
                Descriptor(
                    of: $0, mediaType: .imageLayerTarGzip,
                    annotations: ["org.opencontainers.image.title": "\u{1B}[2J\u{202E}evil\r\n"])
            }
            var config = layers[0]
            config.mediaType = .imageConfig
            let document = try ManifestDocument(Manifest(config: config, layers: Array(layers.dropFirst())))
            server = try LoopbackServer { exchange in
                let path = exchange.request.path
                if path == "/v2/" { return try exchange.respond(200, text: "{}") }
                if path.contains("/manifests/") {
                    return try exchange.respond(
                        200, headers: [("Content-Type", document.mediaType.rawValue)], body: document.bytes)
                }
                guard let index = layers.firstIndex(where: { path.hasSuffix($0.digest.description) }) else {
                    return try exchange.respond(404, text: "")
                }
                try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
                let piece = 200_000 / pieces
                for number in 0..<pieces {
                    // The line is slow: that is what the display is for.
                    usleep(20_000)
                    let isFalse = lies && index == 2 && number == pieces - 1
                    try exchange.write(
                        isFalse
                            ? [UInt8](repeating: 9, count: piece)
                            : Array(blobs[index][number * piece..<(number + 1) * piece]))
                }
            }
        }
    }

    @Test func `bars on a terminal, and at the end the result alone`() async throws {
        let registry = try SlowRegistry(pieces: 25)
        let outcome = try await atTerminal(columns: 80, rows: 10, "pull", registry.reference)
        #expect(outcome.status == 0, "\(outcome.text)")
        var screen = TerminalScreen(columns: 80)
        screen.write(outcome.text)
        #expect(screen.shown.first == "pulled \(registry.reference)", "\(screen.shown)")
        #expect(screen.shown.count == 2)
        #expect(screen.climbs > 1)
        #expect(screen.renditions > 0)
        #expect(screen.strange.isEmpty)
        #expect(outcome.text.contains("pulling 0 of 3"))
        #expect(outcome.text.contains("] "))
    }

    @Test func `after an error and after an interruption no bar is left`() async throws {
        let lying = try SlowRegistry(pieces: 10, lies: true)
        var outcome = try await atTerminal(columns: 200, rows: 10, "pull", lying.reference)
        #expect(outcome.status == 1)
        var screen = TerminalScreen(columns: 200)
        screen.write(outcome.text)
        #expect(screen.shown.first?.hasPrefix("error: ") == true, "\(screen.shown)")

        let endless = try SlowRegistry(pieces: 20_000)
        outcome = try await atTerminal(columns: 64, rows: 10, "pull", endless.reference) { text, process in
            if text.contains("pulling 0 of 3") { kill(process, SIGINT) }
        }
        #expect(outcome.status == 130)
        screen = TerminalScreen(columns: 64)
        screen.write(outcome.text)
        #expect(screen.shown.filter { !$0.isEmpty } == ["interrupted"])
    }

    @Test(arguments: [("NO_COLOR", "1"), ("TERM", "dumb")])
    func `what the surroundings say is respected`(_ name: String, _ value: String) async throws {
        let registry = try SlowRegistry(pieces: 10)
        let outcome = try await atTerminal(
            columns: 64, rows: 10, "pull", registry.reference, environment: [name: value])
        #expect(outcome.status == 0)
        var screen = TerminalScreen(columns: 64)
        screen.write(outcome.text)
        #expect(screen.renditions == 0)
        #expect((screen.climbs == 0) == (name == "TERM"))
        #expect(
            outcome.text.contains("pulled \(Digest(of: [UInt8](repeating: 1, count: 200_000)).short) ")
                == (name == "TERM"))
    }

    @Test func `in a log there is a line for each blob, and none with -q`() async throws {
        let registry = try SlowRegistry(pieces: 1)
        for arguments in [[], ["-q"]] {
            let newcomer = try Newcomer()
            let outcome = try await run(
                buildFolder.appending("wasme"), ["pull", registry.reference] + arguments,
                environment: newcomer.environment)
            #expect(outcome.status == 0)
            let lines = outcome.stderr.split(separator: "\n")
            #expect(lines.count == (arguments.isEmpty ? 3 : 0), "\(outcome.stderr)")
            #expect(lines.allSatisfy { $0.hasPrefix("pulled ") && $0.contains(" 200.0 KB ") })
            #expect(
                outcome.stderr.unicodeScalars.allSatisfy { $0 == "\n" || (0x20...0x7E).contains($0.value) })
        }
    }

    /// Runs `wasme` with a terminal for its output and errors.
    ///
    /// `watch` is told of all output so far each time there is more.
    private func atTerminal(
        columns: UInt16, rows: UInt16, _ arguments: String..., environment: [String: String] = [:],
        watch: @escaping @Sendable (String, pid_t) -> Void = { _, _ in }
    ) async throws -> (status: Int32, text: String) {
        let newcomer = try Newcomer()
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(master >= 0)
        defer { close(master) }
        // TIOCSPTLCK and TIOCGPTN, which Swift does not see.
        var (unlocked, number): (Int32, Int32) = (0, 0)
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        #expect(ioctl(master, 0x4004_5431, &unlocked) == 0)
        #expect(ioctl(master, 0x8004_5430, &number) == 0)
        #expect(ioctl(master, UInt(TIOCSWINSZ), &size) == 0)
        let slave = try FileHandle(forUpdating: URL(filePath: "/dev/pts/\(number)"))
        let process = Process()
        process.executableURL = URL(filePath: buildFolder.appending("wasme").string)
        process.arguments = arguments
        process.environment = ["HOME": newcomer.home.string, "TERM": "xterm"].merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = slave
        process.standardError = slave
        try process.run()
        try slave.close()
        let (pid, descriptor) = (process.processIdentifier, master)
        let text = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var bytes: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 4096)
                // A terminal whose other side is closed gives an error, not an end.
                while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
                    bytes += buffer[..<count]
                    watch(String(decoding: bytes, as: UTF8.self), pid)
                }
                continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
            }
        }
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
