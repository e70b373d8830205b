// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import EnvoyControl
import FilterImage
import Foundation
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

/// An Envoy that was started with a slot, and somebody at a command line.
struct SlotStage: Sendable {
    let listener: Listener
    let slot: SlotFolder
    let envoy: EnvoyProcess
    /// The executable, to be asked beforehand.
    let binary: EnvoyBinary

    var environment: [String: String] {
        ["WASME_WHO": "anna@build-1", "WASME_ENVOY": binary.path.string]
    }

    var admin: String { "\(envoy.admin.address)" }

    /// Starts an Envoy and ends it afterwards.
    static func run(
        _ listener: Listener? = nil, slot name: String = "slot", kind: EnvoyPlugin.Kind = .http,
        places: Int = 2, _ body: @Sendable (SlotStage) async throws -> Void
    ) async throws {
        let listener = try listener ?? Listener()
        let slot = try SlotFolder.create(at: listener.scratch.appending(name), kind: kind, places: places)
        let binary = try EnvoyBinary.find(
            environment: ProcessInfo.processInfo.environment,
            searchFolders: EnvoyBinary.searchFolders(
                from: repositoryRoot, environment: ProcessInfo.processInfo.environment))
        try await EnvoyProcess.run(binary, .text(bootstrap(slot)), transport: CurlTransport()) { envoy in
            try await body(SlotStage(listener: listener, slot: slot, envoy: envoy, binary: binary))
        }
    }

    private static func bootstrap(_ slot: SlotFolder) -> String {
        let type = "type.googleapis.com/envoy.extensions.filters"
        let places = slot.seenPlaces.map(\.filter)
        let filters: [ConfigValue]
        switch slot.kind {
        case .http:
            let router: ConfigValue = [
                "name": "envoy.filters.http.router",
                "typed_config": ["@type": .string("\(type).http.router.v3.Router")],
            ]
            let answer: ConfigValue = [
                "match": ["prefix": "/"],
                "direct_response": ["status": 200, "body": ["inline_string": "plain"]],
            ]
            let manager: ConfigValue = [
                "@type": .string(
                    "\(type).network.http_connection_manager.v3.HttpConnectionManager"),
                "stat_prefix": "test",
                "route_config": ["virtual_hosts": [["name": "all", "domains": ["*"], "routes": [answer]]]],
                "http_filters": .list(places + [router]),
            ]
            filters = [["name": "manager", "typed_config": manager]]
        case .network:
            let echo: ConfigValue = [
                "name": "echo", "typed_config": ["@type": .string("\(type).network.echo.v3.Echo")],
            ]
            filters = places + [echo]
        }
        let root: ConfigValue = [
            "node": ["id": "test", "cluster": "test"],
            "static_resources": [
                "listeners": [
                    [
                        "name": "test",
                        "address": ["socket_address": ["address": "127.0.0.1", "port_value": 0]],
                        "filter_chains": [["filters": .list(filters)]],
                    ]
                ]
            ],
        ]
        return root.yamlLines.joined(separator: "\n") + "\n"
    }

    /// Puts an image into the local store.
    static func image(
        _ name: String, _ module: [UInt8], schema: String? = nil, for listener: Listener
    ) async throws {
        let store = try ImageStore(
            listener.scratch.path.pushing(FilePath("home/.local/share/wasme/store")))
        var content = FilterContent(module: module, runtime: RuntimeConfig(abiVersions: [], rootIDs: []))
        content.configSchema = schema.map { Array($0.utf8) }
        _ = try await FilterImage.pack(content, as: [try Reference(name)], into: store)
    }

    func image(_ name: String, _ filter: TinyFilter, schema: String? = nil) async throws {
        try await Self.image(name, filter.bytes, schema: schema, for: listener)
    }

    /// The same person with nothing said yet.
    func fresh() throws -> Listener { try Listener(sharing: listener.scratch) }

    /// Runs a command against the slot and the Envoy.
    func wasme(
        _ arguments: String..., admin: Bool = true
    ) async throws -> (
        status: Int32, output: String, errors: String
    ) {
        let person = try fresh()
        let status = await person.run(
            arguments + ["--slot", slot.path.string] + (admin ? ["--admin", self.admin] : []),
            environment: environment)
        return (status, person.output, person.errors)
    }

    /// A header of what Envoy answers; nil if there is none.
    func header(_ name: String) async throws -> String? {
        let place = try #require(envoy.listeners.first).address
        let answer = try await envoy.admin.ask("GET", "/", at: place, host: nil)
        #expect(answer.status == 200)
        return answer.values(of: name).first
    }
}
