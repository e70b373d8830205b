// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import DevLoop
import EnvoyControl
import Files
import FilterProxy
import Foundation
import LoopbackServer
import Synchronization
import SystemPackage
import TestSupport
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A filter that changes, in a real Envoy.
@Suite struct DevSessionTests {
    /// What is to be built next.
    private final class Workshop: Sendable {
        let next: Mutex<Result<FilterVersion, any Error>>

        init(_ first: FilterVersion) { next = Mutex(.success(first)) }

        func set(_ result: Result<FilterVersion, any Error>) { next.withLock { $0 = result } }
    }

    private struct BuildTrouble: Error {}

    /// What a session has told so far.
    private final class Events: Sendable {
        private let events = Mutex<[DevEvent]>([])

        func add(_ event: DevEvent) { events.withLock { $0.append(event) } }

        var all: [DevEvent] { events.withLock { $0 } }

        /// Waits for something among what was not looked at yet.
        func next<Found>(
            _ what: String, _ match: (DevEvent) -> Found?
        ) async throws -> Found {
            for _ in 0..<1000 {
                let found = events.withLock { events -> Found? in
                    for (index, event) in events.enumerated() {
                        if let found = match(event) {
                            events.removeFirst(index + 1)
                            return found
                        }
                    }
                    return nil
                }
                if let found { return found }
                try await Task.sleep(for: .milliseconds(10))
            }
            throw ProcessFailure(description: "no \(what) in \(all)")
        }

        func live() async throws -> LiveVersion {
            try await next("live") { if case .live(let live) = $0 { live } else { nil } }
        }

        func request() async throws -> SeenRequest {
            try await next("request") { if case .request(let seen) = $0 { seen } else { nil } }
        }

        func replayed() async throws -> Replayed {
            try await next("replayed") { if case .replayed(_, let outcome) = $0 { outcome } else { nil } }
        }
    }

    private func version(_ filter: TinyFilter, configuration: String? = nil) -> FilterVersion {
        FilterVersion(
            name: "tiny", kind: .http, rootID: "", module: filter.bytes, configuration: configuration)
    }

    private func session(
        _ first: FilterVersion, upstream: String? = nil, replays: Int = 5,
        _ body:
            @escaping @Sendable (
                _ url: String, _ workshop: Workshop, _ events: Events, _ tell: @Sendable (DevSignal) -> Void
            ) async throws -> Void
    ) async throws {
        var settings = FrontSettings(kind: .http)
        settings.listen = HostPort(host: "127.0.0.1", port: 0)
        settings.records = true
        settings.upstream = try upstream.map { try Upstream($0) }
        let workshop = Workshop(first)
        let events = Events()
        let transport = CurlTransport()
        try await FilterFront.run(
            EnvoyBinary(try #require(Tool.envoy.path)), settings, transport: transport
        ) { front in
            let session = DevSession(
                front, replays: replays, transport: transport,
                make: { try workshop.next.withLock { $0 }.get() }, report: { events.add($0) })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var session = session
                    try await session.run()
                }
                group.addTask {
                    try await body("http://\(front.address)", workshop, events, session.tell)
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    private func get(_ url: String, post body: String? = nil) async throws -> String? {
        var request = URLRequest(url: try #require(URL(string: url)))
        request.setValue("yes", forHTTPHeaderField: "x-client")
        if let body {
            request.httpMethod = "POST"
            request.httpBody = Data(body.utf8)
        }
        let (_, response) = try await URLSession.shared.data(for: request)
        return (response as? HTTPURLResponse)?.value(forHTTPHeaderField: "hello")
    }

    @Test(.requires(.envoy)) func `a new version serves, and requests are sent again`() async throws {
        try await session(version(TinyFilter(value: "one"))) { [self] url, workshop, events, tell in
            #expect(try await events.live().number == 1)
            #expect(try await get(url + "/a?b=c", post: "some body") == "one")
            let seen = try await events.request()
            #expect(seen.method == "POST" && seen.path == "/a?b=c")
            #expect(seen.body == Array("some body".utf8))
            #expect(seen.responseChanges.map(\.summary) == ["+hello: one"])
            #expect(seen.requestChanges.isEmpty)
            workshop.set(.success(version(TinyFilter(value: "two"))))
            tell(.saved(at: Files.now))
            let live = try await events.live()
            #expect(live.number == 2)
            #expect(live.total < .seconds(20))
            guard case .different(let difference) = try await events.replayed() else {
                Issue.record("no difference")
                return
            }
            #expect(difference.headers.map(\.summary) == ["~hello: one -> two"])
            #expect(difference.body == nil && difference.upstreamBody == nil)
            #expect(difference.upstreamHeaders.isEmpty)
            #expect(difference.oldStatus == 200 && difference.newStatus == 200)
            #expect(try await get(url) == "two")
            _ = try await events.request()
            // The next time it is compared with what the last version did.
            tell(.replay)
            guard case .same = try await events.replayed() else {
                Issue.record("a difference")
                return
            }
        }
    }

    @Test(.requires(.envoy)) func `what does not build or is refused changes nothing`() async throws {
        try await session(version(TinyFilter(value: "one"))) { [self] url, workshop, events, tell in
            _ = try await events.live()
            workshop.set(.failure(BuildTrouble()))
            tell(.saved(at: Files.now))
            let isServing = try await events.next("failure") { event -> Bool? in
                if case .buildFailed(_, let isServing) = event { isServing } else { nil }
            }
            #expect(isServing)
            #expect(try await get(url) == "one")
            workshop.set(.success(version(TinyFilter(flaw: .missingImport))))
            tell(.saved(at: Files.now))
            let reason = try await events.next("refusal") { event -> EnvoyReason? in
                if case .refused(_, let reason, true) = event { reason } else { nil }
            }
            #expect(reason.reasons.first?.contains("missing import: env.no_such_hostcall") == true)
            #expect(reason.hint != nil)
            #expect(try await get(url) == "one")
            // Back to what serves: nothing to do, and good to know.
            workshop.set(.success(version(TinyFilter(value: "one"))))
            tell(.saved(at: Files.now))
            let isNews = try await events.next("unchanged") { event -> Bool? in
                if case .unchanged(_, _, let isNews) = event { isNews } else { nil }
            }
            #expect(isNews)
        }
    }

    @Test(.requires(.envoy)) func `a first version that is refused lets requests pass`() async throws {
        let bad = version(TinyFilter(flaw: .noABIVersion))
        try await session(bad) { [self] url, workshop, events, tell in
            let isServing = try await events.next("refusal") { event -> Bool? in
                if case .refused(_, _, let isServing) = event { isServing } else { nil }
            }
            #expect(!isServing)
            #expect(try await get(url) == nil)
            workshop.set(.success(version(TinyFilter(value: "one"))))
            tell(.saved(at: Files.now))
            #expect(try await events.live().number == 1)
            #expect(try await get(url) == "one")
        }
    }

    @Test(.requires(.envoy)) func `another configuration is another version`() async throws {
        let filter = TinyFilter(value: "one")
        try await session(version(filter)) { [self] _, workshop, events, tell in
            let first = try await events.live()
            workshop.set(.success(version(filter, configuration: "{}")))
            tell(.saved(at: Files.now))
            let second = try await events.live()
            #expect(second.number == 2)
            #expect(second.version.digest == first.version.digest)
        }
    }

    @Test(.requires(.envoy)) func `the upstream gets requests as they were, again too`() async throws {
        let requests = Mutex<[String]>([])
        let server = try LoopbackServer { exchange in
            let request = exchange.request
            requests.withLock {
                $0.append(
                    "\(request.method) \(request.target) \(request.header("host") ?? "") \(request.header("x-client") ?? "")"
                )
            }
            try exchange.respond(404, text: "not here\n")
        }
        defer { server.stop() }
        try await session(
            version(TinyFilter(value: "one")), upstream: "http://\(server.authority)"
        ) { [self] url, workshop, events, tell in
            _ = try await events.live()
            #expect(try await get(url + "/x/%2e%2e/y?q=%20") == "one")
            #expect(try await events.request().exchange.before.status == 404)
            workshop.set(.success(version(TinyFilter(value: "two"))))
            tell(.saved(at: Files.now))
            guard case .different(let difference) = try await events.replayed() else {
                Issue.record("no difference")
                return
            }
            #expect(difference.headers.map(\.summary) == ["~hello: one -> two"])
            #expect(difference.oldStatus == 404 && difference.newStatus == 404)
        }
        let seen = requests.withLock { $0 }
        #expect(seen.count == 2)
        #expect(seen.first == seen.last)
        #expect(seen.first == "GET /x/%2e%2e/y?q=%20 \(server.authority) yes")
    }

    @Test(.requires(.envoy)) func `an upstream that is gone is an answer as any other`() async throws {
        let port = try ClosedPort()
        try await session(
            version(TinyFilter(value: "one")), upstream: "http://\(port.authority)"
        ) { [self] url, _, events, tell in
            _ = try await events.live()
            #expect(try await get(url) == "one")
            #expect(try await events.request().exchange.before.status == 503)
            tell(.replay)
            guard case .same = try await events.replayed() else {
                Issue.record("a difference")
                return
            }
        }
    }

    @Test(.requires(.envoy)) func `the log level changes while Envoy runs`() async throws {
        try await session(version(TinyFilter())) { _, _, events, tell in
            _ = try await events.live()
            tell(.cycleLogLevel)
            let level = try await events.next("level") { event -> FilterLogLevel? in
                if case .logLevel(let level) = event { level } else { nil }
            }
            #expect(level == .debug)
        }
    }

    @Test(.requires(.envoy)) func `an address that is taken is one clear message`() async throws {
        let taken = try LoopbackServer { _ in }
        defer { taken.stop() }
        var settings = FrontSettings(kind: .http)
        settings.listen = try HostPort(taken.authority)
        let chosen = settings
        let error = await #expect(throws: DevLoopError.self) {
            try await FilterFront.run(
                EnvoyBinary(try #require(Tool.envoy.path)), chosen, transport: CurlTransport()
            ) { _ in
            }
        }
        #expect(error?.message == "cannot listen on \(taken.authority): another process listens there")
        #expect(error?.hint?.contains("--listen 127.0.0.1:0") == true)
    }
}
