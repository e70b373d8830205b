// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import FilterProxy
import SystemPackage

/// The servers around the proxy, which outlive the Envoy that calls them.
final class ScenarioTroupe: Sendable {
    /// The cluster of the server behind the proxy.
    static let upstream = "upstream"

    let players: [String: ServicePlayer]
    /// Which services speak gRPC.
    let speakGRPC: Set<String>
    private let servers: [String: ServiceServer]

    /// Starts them.
    /// - Throws: `SystemError`.
    init(services: [String: Bool], isNetworkFilter: Bool) throws {
        var players: [String: ServicePlayer] = [:]
        var servers: [String: ServiceServer] = [:]
        for name in services.keys.sorted() + [Self.upstream] where players[name] == nil {
            let player = ServicePlayer()
            let isTCP = name == Self.upstream && isNetworkFilter
            players[name] = player
            servers[name] = try ServiceServer(player, isTCP ? .tcp : .http)
        }
        self.players = players
        self.servers = servers
        speakGRPC = Set(services.filter(\.value).keys).subtracting([Self.upstream])
    }

    deinit {
        for server in servers.values { server.stop() }
    }

    /// Where each of them is.
    var addresses: [(name: String, address: ProxyAddress)] {
        servers.sorted { $0.key < $1.key }.map { name, server in
            (name, .port(HostPort(host: "127.0.0.1", port: server.port)))
        }
    }
}

/// The configuration of an Envoy for scenarios, and the files that go with it.
///
/// What speaks HTTP/2 is translated by the same Envoy: relays pass on what clients and services of ours say in HTTP/1.1,
/// which has trailers too.
struct ScenarioStage: Sendable {
    static let front = "front"
    /// Answers whenever the worker is not busy.
    static let probe = "wasme.probe"
    /// Takes requests in HTTP/1.1 and passes them on to the front in HTTP/2.
    static let entry = "wasme.entry"
    /// Marks the answers of the entry itself: the front has closed the connection without one.
    static let entryHeader = "x-wasme-no-answer"
    private static let frontCluster = "wasme.front"

    let folder: RunFolder
    let slot: EnvoySlot
    let setup: ProxySetup
    /// The cluster behind the entry; nil if nobody speaks HTTP/2 to the front.
    private let entryCluster: ProxyCluster?

    /// Writes the files that have to be there when Envoy starts.
    init(_ troupe: ScenarioTroupe, kind: EnvoyPlugin.Kind, usesHTTP2: Bool) throws {
        folder = try RunFolder()
        slot = EnvoySlot(name: "filter", kind: kind, file: folder.path.appending("slot.yaml"))
        try slot.write(nil, version: "0")
        var setup = ProxySetup()
        var front = ProxyListener(Self.front, destination: .cluster(ScenarioTroupe.upstream))
        front.kind = kind
        front.slots = [slot]
        setup.listeners = [
            front, ProxyListener(Self.probe, destination: .answer(status: 200, body: "")),
        ]
        for (index, (name, address)) in troupe.addresses.enumerated() {
            guard troupe.speakGRPC.contains(name) else {
                setup.clusters.append(ProxyCluster(name, address))
                continue
            }
            let socket = ProxyAddress.socket(folder.path.appending("\(index).sock"))
            var relay = ProxyListener("wasme.relay.\(name)", destination: .cluster("wasme.player.\(name)"))
            relay.address = socket
            relay.isRelay = true
            relay.timeout = "0s"
            var cluster = ProxyCluster(name, socket)
            cluster.speaksHTTP2 = true
            setup.listeners.append(relay)
            setup.clusters += [cluster, ProxyCluster("wasme.player.\(name)", address)]
        }
        if usesHTTP2, kind == .http {
            var entry = ProxyListener(Self.entry, destination: .cluster(Self.frontCluster))
            entry.isRelay = true
            entry.timeout = "0s"
            entry.ownAnswerHeader = Self.entryHeader
            var cluster = ProxyCluster(Self.frontCluster, .anyPort)
            cluster.speaksHTTP2 = true
            cluster.endpointFile = folder.path.appending("front.yaml")
            try cluster.write(endpoint: nil, version: "0")
            setup.listeners.append(entry)
            setup.clusters.append(cluster)
            entryCluster = cluster
        } else {
            entryCluster = nil
        }
        self.setup = setup
    }

    /// Tells the entry where the front is, and waits until Envoy knows it.
    func openEntry(_ envoy: EnvoyProcess) async throws {
        guard let entryCluster, let front = envoy.listeners.first(where: { $0.name == Self.front }) else {
            return
        }
        try entryCluster.write(endpoint: .port(front.address), version: "1")
        let gauge = "cluster.\(Self.frontCluster).membership_total"
        for _ in 0..<200 {
            let members = try await envoy.admin.statistics(
                matching: "^cluster\\.wasme\\.front\\.membership")
            if members[gauge] == 1 { return }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
