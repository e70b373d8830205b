// SPDX-License-Identifier: Apache-2.0

private import SystemPackage

/// Our own registry, the `wasme-hub` that was built with the tests, as a process with its own folder and port.
package struct RunningHub: Sendable {
    /// Host and port.
    package let address: String
    private let process: BackgroundProcess

    /// Runs a hub for some work.
    package static func run(_ work: (RunningHub) async throws -> Void) async throws {
        let scratch = try ScratchDirectory("hub")
        let process = try BackgroundProcess(
            buildFolder.appending("wasme-hub"),
            ["serve", "--data", scratch.path.string, "--listen", "127.0.0.1:0"])
        try process.start()
        let address = try await process.line {
            $0.split(separator: "listening on http://").last.map(String.init)
        }
        try await work(RunningHub(address: address, process: process))
        await process.stop()
    }
}
