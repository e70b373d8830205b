// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import EnvoyControl
import Files
import FilterProxy
import Foundation
import SystemPackage
import TestSupport
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Slots that a running Envoy fills from files.
@Suite struct SlotTests {
    /// A run's folder with a slot, and the listener that has it.
    private struct Stage {
        let folder: RunFolder
        let slot: EnvoySlot
        let shelf: ModuleShelf

        init(_ kind: EnvoyPlugin.Kind = .http) throws {
            folder = try RunFolder()
            slot = EnvoySlot(name: "slot.1", kind: kind, file: folder.path.appending("slot.yaml"))
            shelf = ModuleShelf(folder.path)
            try slot.write(nil, version: "0")
        }

        func plugin(_ filter: TinyFilter) throws -> EnvoyPlugin {
            EnvoyPlugin(name: "tiny", kind: slot.kind, modulePath: try shelf.put(filter.bytes))
        }

        func listener() -> ProxyListener {
            var listener = ProxyListener("front", destination: .answer(status: 200, body: "hello\n"))
            listener.slots = [slot]
            return listener
        }
    }

    private func run(
        _ stage: Stage, _ setup: ProxySetup, _ body: @Sendable (EnvoyProcess, String) async throws -> Void
    ) async throws {
        let envoy = EnvoyBinary(try #require(Tool.envoy.path))
        try await EnvoyProcess.run(
            envoy, setup.configuration, folder: stage.folder, transport: CurlTransport()
        ) { envoy in
            let front = try #require(envoy.listeners.first { $0.name == "front" })
            try await body(envoy, "http://\(front.address)/")
        }
    }

    private func header(_ url: String) async throws -> String? {
        let (_, response) = try await URLSession.shared.data(from: try #require(URL(string: url)))
        return (response as? HTTPURLResponse)?.value(forHTTPHeaderField: "hello")
    }

    @Test(.requires(.envoy)) func `a filter comes, changes and goes while Envoy runs`() async throws {
        let stage = try Stage()
        var setup = ProxySetup()
        setup.listeners = [stage.listener()]
        try await run(stage, setup) { envoy, url in
            #expect(try await header(url) == nil)
            for round in 1...20 {
                let plugin = try stage.plugin(TinyFilter(value: "round \(round)"))
                let outcome = try await stage.slot.install(plugin, version: "\(round)", on: envoy.admin)
                #expect(outcome == .accepted)
                // At once: whoever has waited for the outcome gets the new filter.
                #expect(try await header(url) == "round \(round)")
            }
            #expect(try await stage.slot.install(nil, version: "last", on: envoy.admin) == .accepted)
            #expect(try await header(url) == nil)
        }
    }

    @Test(.requires(.envoy)) func `what Envoy refuses leaves what was there`() async throws {
        let stage = try Stage()
        var setup = ProxySetup()
        setup.listeners = [stage.listener()]
        try await run(stage, setup) { envoy, url in
            let good = try stage.plugin(TinyFilter())
            #expect(try await stage.slot.install(good, version: "1", on: envoy.admin) == .accepted)
            var tail = EnvoyLogTail(envoy.log)
            _ = try tail.next()
            let bad = try stage.plugin(TinyFilter(flaw: .missingImport))
            #expect(try await stage.slot.install(bad, version: "2", on: envoy.admin) == .rejected)
            #expect(try await header(url) == "world")
            let said = try tail.next().map(\.text)
            #expect(said.contains { $0.contains("missing import: env.no_such_hostcall") }, "\(said)")
        }
    }

    @Test(.requires(.envoy)) func `what passes the filters is written down before and behind them`()
        async throws
    {
        let stage = try Stage()
        var setup = ProxySetup()
        var listener = stage.listener()
        listener.recording = .init(folder: stage.folder.path)
        setup.listeners = [listener]
        try await run(stage, setup) { envoy, url in
            let plugin = try stage.plugin(TinyFilter())
            #expect(try await stage.slot.install(plugin, version: "1", on: envoy.admin) == .accepted)
            #expect(try await header(url) == "world")
            var folder = StreamRecordFolder(stage.folder.path)
            var exchanges: [StreamExchange] = []
            for _ in 0..<100 where exchanges.isEmpty {
                try await Task.sleep(for: .milliseconds(20))
                exchanges = try folder.look().exchanges
            }
            let exchange = try #require(exchanges.first)
            #expect(exchange.before.request.header(":path") == "/")
            #expect(exchange.before.response.header("hello") == "world")
            let behind = try #require(exchange.behind)
            #expect(behind.response.header("hello") == nil)
            #expect(behind.response.body == Array("hello\n".utf8))
            #expect(behind.status == 200)
            // What was read is gone.
            #expect(try Files.contents(stage.folder.path).filter { $0.hasSuffix(".json") } == [])
        }
    }

    @Test(.requires(.envoy)) func `a network slot lets bytes pass to what is behind`() async throws {
        let stage = try Stage(.network)
        let socket = stage.folder.path.appending("behind.sock")
        var behind = ProxyListener("behind", destination: .answer(status: 200, body: "hello\n"))
        behind.address = .socket(socket)
        var front = ProxyListener("front", destination: .cluster("behind"))
        front.kind = .network
        front.slots = [stage.slot]
        var setup = ProxySetup()
        setup.listeners = [behind, front]
        setup.clusters = [ProxyCluster("behind", .socket(socket))]
        try await run(stage, setup) { envoy, url in
            let (body, _) = try await URLSession.shared.data(from: try #require(URL(string: url)))
            #expect(String(decoding: body, as: UTF8.self) == "hello\n")
            let bad = try stage.plugin(TinyFilter(flaw: .noABIVersion))
            #expect(try await stage.slot.install(bad, version: "1", on: envoy.admin) == .rejected)
        }
    }
}
