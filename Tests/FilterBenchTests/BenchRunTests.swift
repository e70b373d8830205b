// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import EnvoyControl
import TestSupport
import Testing

@testable import FilterBench

/// A load that is counted on both sides, and Envoys that take turns under it.
@Suite(.serialized) struct BenchRunTests {
    private func plan(rounds: Int = 2) -> BenchPlan {
        var plan = BenchPlan()
        plan.rounds = rounds
        plan.turn = .milliseconds(300)
        plan.warmUp = .milliseconds(100)
        plan.load.connections = 4
        return plan
    }

    private func run(_ subjects: [BenchSubject], _ plan: BenchPlan) async throws -> [BenchMeasurement] {
        let envoy = EnvoyBinary(try #require(Tool.envoy.path))
        return try await BenchRun(envoy: envoy, plan: plan, transport: CurlTransport())
            .run(subjects) { _, _ in }
    }

    @Test(.requires(.envoy)) func `what a filter costs is told next to none`() async throws {
        let none = BenchSubject(name: "no filter")
        let tiny = BenchSubject(name: "tiny", module: TinyFilter().bytes)
        let found = try await run([none, tiny], plan())
        #expect(found.map(\.name) == ["no filter", "tiny"])
        for measurement in found {
            #expect(measurement.requests > 100)
            #expect(measurement.statuses == [200: measurement.requests])
            #expect(measurement.brokenConnections == 0)
            #expect(measurement.processor.median > 0 && measurement.processor.median < 0.01)
            #expect(measurement.p50.median > 0 && measurement.p50.median <= measurement.p99.median)
            #expect(measurement.rate.minimum <= measurement.rate.median)
            #expect(measurement.memory > 1 << 20)
        }
        let cost = found[1].cost(over: found[0])
        // How much it is depends on the machine; that V8 is there does not.
        #expect(cost.memory > 1 << 20)
        #expect(cost.rate.median > 0)
    }

    @Test(.requires(.envoy)) func `a network filter is measured with what it passes on`() async throws {
        var none = BenchSubject(name: "no filter")
        none.kind = .network
        let found = try await run([none], plan(rounds: 1))
        #expect(found.first.map { $0.statuses == [200: $0.requests] } == true)
    }

    @Test(.requires(.envoy)) func `a filter that Envoy refuses is not measured`() async throws {
        let bad = BenchSubject(name: "bad", module: TinyFilter(flaw: .missingImport).bytes)
        let error = await #expect(throws: BenchError.self) {
            try await run([BenchSubject(name: "no filter"), bad], plan())
        }
        #expect(error?.message.contains("missing import: env.no_such_hostcall") == true)
        #expect(error?.hint?.isEmpty == false)
    }

    @Test(.requires(.envoy)) func `bodies go both ways`() async throws {
        var plan = plan(rounds: 1)
        plan.load.method = "POST"
        plan.load.body = Array(repeating: UInt8(ascii: "x"), count: 20_000)
        plan.load.headers = [.init("x-test", "1")]
        plan.answerSize = 300_000
        let found = try await run([BenchSubject(name: "no filter")], plan)
        #expect(found.first.map { $0.requests > 10 && $0.statuses == [200: $0.requests] } == true)
    }

    @Test func `nothing that breaks a request goes into one`() throws {
        let address = HostPort(host: "127.0.0.1", port: 1)
        var load = BenchLoad()
        load.headers = [.init("x", "a\r\ny: b")]
        #expect(throws: BenchError.self) { try load.message(to: address) }
        load = BenchLoad()
        load.path = "/a b"
        #expect(throws: BenchError.self) { try load.message(to: address) }
        load = BenchLoad()
        load.method = "GE T"
        #expect(throws: BenchError.self) { try load.message(to: address) }
        load = BenchLoad()
        load.body = [1, 2, 3]
        let text = String(decoding: try load.message(to: address).dropLast(3), as: UTF8.self)
        #expect(text == "GET / HTTP/1.1\r\nhost: 127.0.0.1:1\r\ncontent-length: 3\r\n\r\n")
    }

    @Test func `where nobody listens there is nothing to measure`() async throws {
        let generator = try LoadGenerator(BenchLoad(), to: HostPort(host: "127.0.0.1", port: 1))
        await #expect(throws: BenchError.self) { try await generator.run(for: .seconds(1)) }
    }

    @Test func `a figure of several turns is their middle and their ends`() {
        let odd = Spread([3, 1, 2])
        #expect((odd.minimum, odd.median, odd.maximum) == (1, 2, 3))
        #expect(Spread([4, 1, 2, 3]).median == 2.5)
        #expect(Spread([]).median == 0)
        var outcome = LoadOutcome()
        #expect(outcome.quantile(0.99) == 0)
        outcome.latencies = (1...100).map { $0 * 1_000_000 }
        #expect(outcome.quantile(0.5) == 0.05)
        #expect(outcome.quantile(0.99) == 0.099)
        #expect(outcome.quantile(1) == 0.1)
    }
}
