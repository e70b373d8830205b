// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import EnvoyControl
import Files
import Foundation
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A slot, and Envoys that are started with it.
struct SlotStage: Sendable {
    let scratch: ScratchDirectory
    let slot: SlotFolder
    let events = EventLog()

    init(places: Int = 3, seenAs: FilePath? = nil, _ name: String = "slot") throws {
        scratch = try ScratchDirectory("slot")
        slot = try SlotFolder.create(at: scratch.appending(name), places: places, seenAs: seenAs)
    }

    init(scratch: ScratchDirectory, slot: SlotFolder) {
        self.scratch = scratch
        self.slot = slot
    }

    /// A bootstrap with two listeners that have the slot, behind other filters.
    static func bootstrap(_ places: [EnvoySlot], behind others: [ConfigValue] = []) -> EnvoyConfiguration {
        let types = "type.googleapis.com/envoy.extensions.filters"
        let listeners: [ConfigValue] = ["front", "side"].map { name in
            let router: ConfigValue = [
                "name": "envoy.filters.http.router",
                "typed_config": ["@type": "\(types).http.router.v3.Router"],
            ]
            let route: ConfigValue = [
                "match": ["prefix": "/"],
                "direct_response": ["status": 200, "body": ["inline_string": "hello from \(name)"]],
            ]
            let manager: ConfigValue = [
                "@type": "\(types).network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": .string(name),
                "route_config": [
                    "name": .string(name),
                    "virtual_hosts": [["name": "all", "domains": ["*"], "routes": [route]]],
                ],
                "http_filters": .list(others + places.map(\.filter) + [router]),
            ]
            return [
                "name": .string(name), "enable_reuse_port": false,
                "address": ["socket_address": ["address": "127.0.0.1", "port_value": 0]],
                "filter_chains": [
                    [
                        "filters": [
                            [
                                "name": "envoy.filters.network.http_connection_manager",
                                "typed_config": manager,
                            ]
                        ]
                    ]
                ],
            ]
        }
        let all: ConfigValue = [
            "node": ["id": "test", "cluster": "test"], "static_resources": ["listeners": .list(listeners)],
        ]
        return .text(all.yamlLines.joined(separator: "\n") + "\n")
    }

    func run<Value: Sendable>(
        concurrency: Int = 2, places: [EnvoySlot]? = nil, behind others: [ConfigValue] = [],
        _ body: @Sendable (EnvoyProcess) async throws -> Value
    ) async throws -> Value {
        var options = EnvoyOptions()
        options.concurrency = concurrency
        return try await EnvoyProcess.run(
            envoyUnderTest(), Self.bootstrap(places ?? slot.seenPlaces, behind: others), options: options,
            transport: CurlTransport(), body: body)
    }

    /// A deployer for this slot alone.
    func deployer(
        _ admins: [HostPort], _ change: (inout EnvoyDeployer.Options) -> Void = { _ in }
    ) -> EnvoyDeployer {
        deployer(EnvoyFleet([.init(slot: slot.path, admins: admins)]), change)
    }

    func deployer(
        _ fleet: EnvoyFleet, _ change: (inout EnvoyDeployer.Options) -> Void = { _ in }
    ) -> EnvoyDeployer {
        var options = EnvoyDeployer.Options(who: "tester@here")
        // What is not about time must not fail on a busy machine.
        options.timeout = .seconds(30)
        options.watch = .milliseconds(300)
        change(&options)
        return EnvoyDeployer(
            fleet, options: options, connect: { EnvoyAdmin($0, transport: CurlTransport()) },
            progress: events.add)
    }

    static func deployment(
        _ id: String = "tiny", priority: Int? = nil, configuration: String? = nil
    ) -> FilterDeployment {
        var deployment = FilterDeployment(
            id: id, image: nil, digest: Digest(of: Array("image of \(id)".utf8)))
        deployment.priority = priority
        deployment.configuration = configuration
        return deployment
    }

    /// What the files of the places hold.
    func contents() throws -> [SlotResource.Content] {
        try slot.places.map { try SlotResource(parsing: Files.read($0.file), of: $0.file).content }
    }

    func history() throws -> SlotHistory { try SlotHistory(slot.historyFile) }
}

/// What a deployer says, from any thread.
final class EventLog: Sendable {
    private let events = Mutex<[EnvoyDeploymentEvent]>([])
    func add(_ event: EnvoyDeploymentEvent) { events.withLock { $0.append(event) } }
    var all: [EnvoyDeploymentEvent] { events.withLock { $0 } }
}

extension EnvoyProcess {
    func answer(_ listener: String = "front") async throws -> EnvoyAnswer {
        let place = try #require(listeners.first { $0.name == listener }).address
        return try await admin.ask("GET", "/", at: place)
    }

    /// The values of the header "hello", in the order in which filters added them.
    func greetings(_ listener: String = "front") async throws -> [String] {
        try await answer(listener).values(of: "hello").flatMap { $0.split(separator: ",").map(String.init) }
    }
}
