// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// `wasme bench` in a real Envoy, for a module that is at hand.
@Suite(.serialized) struct BenchTests {
    private let short = ["--rounds", "1", "--seconds", "0.2", "--connections", "2"]

    /// A project of a finished module, with a budget.
    private func listener(_ filter: TinyFilter = TinyFilter(), budget: String? = nil) throws -> Listener {
        let listener = try Listener()
        try Files.replace(listener.scratch.appending("filter.wasm"), with: filter.bytes)
        var lines = [
            "name: tiny", "language: precompiled", "module: {rootIds: [tiny]}",
            "build: {module: filter.wasm}",
        ]
        if let budget { lines.append("bench: {budget: {\(budget)}}") }
        _ = try listener.scratch.write("wasme.yaml", lines.joined(separator: "\n") + "\n")
        return listener
    }

    private func bench(_ listener: Listener, _ arguments: [String]) async throws -> Int32 {
        let envoy = try #require(Tool.envoy.path).string
        return await listener.run(["bench"] + arguments, environment: ["WASME_ENVOY": envoy])
    }

    @Test(.requires(.envoy), arguments: [("cpu: 1s, rate: 0.001", Int32(0)), ("memory: 1KB, cpu: 1s", 1)])
    func `the exit status says whether the budget is kept`(budget: String, status: Int32) async throws {
        let listener = try listener(budget: budget)
        #expect(try await bench(listener, short) == status, "\(listener.errors)")
        #expect(listener.output.contains("budget cpu: "))
        #expect(listener.output.contains("exceeded") == (status != 0), "\(listener.output)")
        #expect(listener.output.contains("tiny costs, next to no filter:"))
    }

    @Test(.requires(.envoy)) func `programs get the figures, also of another version`() async throws {
        struct Result: Decodable {
            struct Row: Decodable {
                let name: String
                let requests: Int
                let statuses: [String: Int]
            }
            let subjects: [Row]
        }
        let listener = try listener()
        try Files.replace(
            listener.scratch.appending("other.wasm"), with: TinyFilter(value: "other").bytes)
        let arguments = short + [".", "--compare", "other.wasm", "--format", "json"]
        #expect(try await bench(listener, arguments) == 0, "\(listener.errors)")
        let result = try JSONDecoder().decode(Result.self, from: Data(listener.output.utf8))
        #expect(result.subjects.map(\.name) == ["no filter", "tiny", "other.wasm"])
        #expect(result.subjects.allSatisfy { $0.requests > 0 && $0.statuses == ["200": $0.requests] })
    }

    @Test(.requires(.envoy)) func `what Envoy refuses has no figures`() async throws {
        let listener = try listener(TinyFilter(flaw: .refusesItsConfiguration))
        #expect(try await bench(listener, short) == 1)
        #expect(listener.output.isEmpty)
        #expect(listener.errors.contains("envoy does not take tiny"), "\(listener.errors)")
    }

    @Test(arguments: [
        (["--rounds", "0"], "--rounds is between 1 and 100"),
        (["--seconds", "61"], "--seconds is between 0.1 and 60"),
        (["--connections", "1000"], "--connections is between"), (["--header", "abc"], "is no header"),
        (["--answer-size", "-1"], "answer-size"), (["--envoy", "new"], "no version of Envoy"),
    ]) func `what cannot be measured is said before anything runs`(
        arguments: [String], message: String
    ) async throws {
        let listener = try listener()
        #expect(await listener.run(["bench"] + arguments) == 64)
        #expect(listener.errors.contains(message), "\(listener.errors)")
    }
}
