// SPDX-License-Identifier: Apache-2.0

package import Deployment
package import EnvoyControl
private import Files
import FilterProxy
package import OCIRegistry
package import SystemPackage

/// How an Envoy is to run a filter in front of something.
package struct FrontSettings: Sendable {
    package var kind: EnvoyPlugin.Kind
    /// Where to listen; port 0 for any free one.
    package var listen = HostPort(host: "127.0.0.1", port: 10_000)
    /// What is behind the filter; nil for Envoy itself, with a short text.
    package var upstream: Upstream?
    package var logLevel = FilterLogLevel.info
    /// Whether to keep what goes through the filter until it is asked for.
    package var records = false

    package init(kind: EnvoyPlugin.Kind) { self.kind = kind }

    /// What Envoy answers where there is no server behind it.
    package static let answer = "hello from behind the filter: no upstream is set\n"
}

/// A running Envoy with one place for a filter, which can change.
package final class FilterFront: Sendable {
    package let envoy: EnvoyProcess
    package let settings: FrontSettings
    /// Where it listens.
    package let address: HostPort
    /// Where what goes through the filter is written; nil if nothing is.
    package let recording: FilePath?
    private let slot: EnvoySlot
    private let shelf: ModuleShelf

    private init(
        _ envoy: EnvoyProcess, _ settings: FrontSettings, address: HostPort, recording: FilePath?,
        slot: EnvoySlot, shelf: ModuleShelf
    ) {
        self.envoy = envoy
        self.settings = settings
        self.address = address
        self.recording = recording
        self.slot = slot
        self.shelf = shelf
    }

    private static let name = "front"

    /// Starts an Envoy without a filter, hands it over once it listens, and stops it when the closure ends.
    /// - Throws: `DevLoopError` with code `listener` if nothing can listen there; otherwise as `EnvoyProcess.run`.
    package static func run<Result: Sendable>(
        _ binary: EnvoyBinary, _ settings: FrontSettings, transport: any HTTPTransport,
        body: @Sendable (FilterFront) async throws -> Result
    ) async throws -> Result {
        let folder = try RunFolder()
        let slot = EnvoySlot(
            name: "filter", kind: settings.kind, file: folder.path.appending("filter.yaml"))
        try slot.write(nil, version: "0")
        let recording = settings.records && settings.kind == .http ? folder.path.appending("streams") : nil
        if let recording { try Files.createDirectory(recording) }
        let shelf = ModuleShelf(folder.path.appending("modules"))
        try Files.createDirectory(shelf.folder)
        var options = EnvoyOptions()
        options.logLevel = "warning"
        options.componentLogLevels = ["wasm:\(settings.logLevel.rawValue)"]
        let setup = setup(settings, slot, recording: recording, in: folder.path)
        do {
            return try await EnvoyProcess.run(
                binary, setup.configuration, options: options, folder: folder, transport: transport
            ) { envoy in
                try await envoy.admin.requireWasm()
                guard let listener = envoy.listeners.first(where: { $0.name == name }) else {
                    throw DevLoopError(
                        .listener, "envoy does not listen on \(settings.listen)",
                        hint: "its log says why: \(envoy.log)")
                }
                return try await body(
                    FilterFront(
                        envoy, settings, address: listener.address, recording: recording, slot: slot,
                        shelf: shelf))
            }
        } catch let error as EnvoyError {
            throw explained(error, settings.listen)
        }
    }

    /// Says what to do where the address is the trouble.
    private static func explained(_ error: EnvoyError, _ listen: HostPort) -> any Error {
        func says(_ text: String) -> Bool { error.reasons.contains { $0.contains(text) } }
        if says("Address already in use") {
            return DevLoopError(
                .listener, "cannot listen on \(listen): another process listens there", cause: error,
                hint: "end it, or choose another address, as in --listen 127.0.0.1:0 for any free port")
        }
        if says("cannot bind") || says("malformed IP address") {
            return DevLoopError(
                .listener, "cannot listen on \(listen)", cause: error,
                hint: "choose an address of this machine and a port that this user may open with --listen")
        }
        return error
    }

    private static func setup(
        _ settings: FrontSettings, _ slot: EnvoySlot, recording: FilePath?, in folder: FilePath
    ) -> ProxySetup {
        var setup = ProxySetup()
        let upstream = "upstream"
        var front = ProxyListener(name, destination: .cluster(upstream))
        front.address = .port(settings.listen)
        front.kind = settings.kind
        front.slots = [slot]
        // Events that a server sends as they come may take for ever.
        front.timeout = "0s"
        front.recording = recording.map { .init(folder: $0) }
        if let server = settings.upstream {
            front.hostRewrite = server.authority
            setup.clusters = [server.cluster(upstream)]
        } else {
            // Behind a socket and not at once, so that the filter gets to see the bodies of requests.
            let socket = ProxyAddress.socket(folder.appending("answer.sock"))
            var answer = ProxyListener(
                "answer", destination: .answer(status: 200, body: FrontSettings.answer))
            answer.address = socket
            answer.isRelay = true
            answer.bufferedRequest = 64 << 20
            setup.listeners.append(answer)
            setup.clusters = [ProxyCluster(upstream, socket)]
        }
        setup.listeners.append(front)
        return setup
    }

    // MARK: - The filter

    /// Puts a version in place of the one that serves.
    /// - Parameters:
    ///   - version: what is to serve.
    ///   - name: a name for this change, shown by Envoy; a new one each time.
    /// - Returns: what Envoy said; if it refuses, the one before goes on serving.
    /// - Throws: as `EnvoySlot.install`.
    package func install(_ version: FilterVersion, as name: String) async throws -> EnvoySlot.Outcome {
        let path = try shelf.put(version.module)
        let outcome = try await slot.install(version.plugin(at: path), version: name, on: envoy.admin)
        if outcome == .accepted {
            // Envoy reads a module when it takes it, and never again.
            for other in try Files.contents(shelf.folder) where other != path.lastComponent?.string {
                try Files.remove(shelf.folder.appending(other))
            }
        } else if outcome == .rejected {
            try Files.remove(path)
        }
        return outcome
    }
}
