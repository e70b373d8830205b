// SPDX-License-Identifier: Apache-2.0

package import OCIRegistry

/// The part of `/server_info` that we use.
package struct EnvoyServerInfo: Decodable, Sendable {
    private struct Options: Decodable {
        let concurrency: Int?
    }

    private struct Node: Decodable {
        struct Extension: Decodable {
            let name: String
            let category: String?
        }
        let extensions: [Extension]?
    }

    /// As in `<commit>/1.40.0/Clean/RELEASE/BoringSSL`.
    package let build: String
    /// `LIVE` once it serves.
    package let state: String
    /// Number of worker threads.
    package let concurrency: Int
    /// Seconds since it started.
    package let uptime: Int?
    /// The engines that it was built with, as in `envoy.wasm.runtime.v8`; nil if it does not say.
    package let wasmEngines: [String]?

    /// As in `1.40.0`.
    package var version: String {
        let fields = build.split(separator: "/")
        return fields.count >= 2 ? String(fields[1]) : build
    }

    private enum CodingKeys: String, CodingKey {
        case version
        case state
        case command_line_options
        case node
        case uptime_current_epoch
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        build = try container.decode(String.self, forKey: .version)
        state = try container.decode(String.self, forKey: .state)
        concurrency =
            try container.decodeIfPresent(Options.self, forKey: .command_line_options)?.concurrency ?? 1
        uptime = try container.decodeIfPresent(String.self, forKey: .uptime_current_epoch)
            .flatMap { Int($0.prefix { $0.isNumber }) }
        wasmEngines = try container.decodeIfPresent(Node.self, forKey: .node)?.extensions?
            .filter { $0.category == "envoy.wasm.runtime" }.map(\.name)
    }
}

extension EnvoyServerInfo {
    /// Whether it is known to run no Wasm module: some builds have the filter, but no engine for it.
    package var lacksWasm: Bool { wasmEngines.map { !$0.contains("envoy.wasm.runtime.v8") } ?? false }
}

extension EnvoyAdmin {
    /// Makes sure that this Envoy can run Wasm modules.
    /// - Throws: `EnvoyError` with code `unusable` if it cannot.
    package func requireWasm() async throws {
        let info = try await serverInfo()
        guard info.lacksWasm else { return }
        throw EnvoyError(
            .unusable, "this Envoy \(info.version) was built without V8, and runs no Wasm filter",
            hint: "take another one: 'wasme envoy install' fetches the newest, 'wasme envoy list' shows all")
    }
}

extension EnvoyBinary {
    /// Starts the executable to see whether it lacks what Wasm modules need.
    /// - Returns: true if it says so itself.
    /// - Throws: `EnvoyError` if it does not run.
    package func lacksWasm(transport: any HTTPTransport) async throws -> Bool {
        var options = EnvoyOptions()
        options.concurrency = 1
        options.startLimit = .seconds(10)
        return try await EnvoyProcess.run(self, .text("{}"), options: options, transport: transport) {
            envoy in
            try await envoy.admin.serverInfo().lacksWasm
        }
    }
}
