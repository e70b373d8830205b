// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import Files
import Foundation
import Scenarios
import SystemPackage
import TestSupport
import Testing

/// What filters should not do is told in one clear message each, and the other scenarios still run.
@Suite(.serialized) struct FlawTests {
    private static let yaml = """
        tests:
        - {name: first, config: "", request: {path: /}, expect: {status: 200, response: {headers: {hello: world}}}}
        - {name: traps in request, config: x, request: {path: /}, expect: {status: 200}}
        - {name: traps in response, config: xxxxx, request: {path: /a?b='c'}, expect: {status: 200}}
        - {name: traps as expected, config: x, request: {path: /}, expect: {status: 503, traps: true}}
        - {name: does not trap, config: "", request: {path: /}, expect: {traps: true}}
        - {name: traps in log, config: xxxxxxxxxxx, request: {path: /}, expect: {status: 200}}
        - {name: loops in request, config: xx, request: {path: /}, expect: {status: 200}}
        - {name: after the loop, config: "", request: {path: /}, expect: {status: 200}}
        - {name: forgets, config: xxx, request: {path: /}, expect: {status: 200}}
        - {name: eats memory, config: xxxx, request: {path: /}, expect: {status: 200}}
        - {name: loops in configure, config: xxxxxxxx, request: {path: /}, expect: {status: 200}}
        - {name: loops in tick, config: xxxxxxxxxxxx, wait: 1s, expect: {log: [never]}}
        - {name: refuses, config: xxxxxxx, request: {path: /}, expect: {status: 200}}
        - {name: refuses as expected, config: xxxxxxx, refused: request}
        - {name: does not refuse, config: "", refused: {contains: request}}
        - {name: refuses otherwise, config: xxxxxxx, refused: {contains: response}}
        - {name: names a cluster, config: xxxxxxxxx, request: {path: /}, expect: {status: 503}}
        - {name: last, config: "", request: {path: /}, expect: {status: 200}}
        """

    @Test(.requires(.envoy), .requires(.wabt)) func `each is told, and the others run`() async throws {
        // By a name of its own, this run's Envoys are known among all.
        let scratch = try ScratchDirectory("envoy")
        let link = scratch.appending("envoy")
        try FileManager.default.createSymbolicLink(
            atPath: link.string, withDestinationPath: try #require(Tool.envoy.path).string)
        var playing = Playing(try await ManyMoods.module())
        playing.envoy = EnvoyBinary(link)
        playing.options.stepLimit = .seconds(3)
        playing.options.startLimit = .seconds(6)
        let report = try await playing.run(Self.yaml)
        #expect(report.results.count == 18)
        #expect(report.envoy.split(separator: ".").count == 3)
        for name in [
            "first", "traps as expected", "after the loop", "refuses as expected", "last",
        ] {
            #expect(try report.failure(name) == nil, "\(report.failures)")
        }
        let trap = "Uncaught RuntimeError: unreachable"
        for (name, problem) in [
            ("traps in request", "the module trapped in \"proxy_on_request_headers\": \(trap)"),
            ("traps in response", "the module trapped in \"proxy_on_response_headers\": \(trap)"),
            ("traps in log", "the module trapped in \"proxy_on_log\": \(trap)"),
            ("eats memory", "the module trapped in \"proxy_on_request_headers\": \(trap)"),
            ("loops in request", "a callback of the filter never returns: envoy's worker has been busy"),
            ("loops in tick", "a callback of the filter never returns: envoy's worker has been busy"),
            ("loops in configure", "a callback of the filter has not returned within 6 s"),
            ("forgets", "no response within 3 s"),
            ("refuses", "envoy does not take the filter with this configuration: request"),
        ] {
            let failure = try #require(try report.failure(name), "\(name)")
            #expect(failure.problem?.hasPrefix(problem) == true, "\(name): \(failure)")
            #expect(failure.line > 1, "\(name)")
        }
        let response = try #require(try report.failure("traps in response"))
        #expect(response.mismatches.map(\.subject) == ["status"])
        #expect(response.mismatches.first?.got == "503")
        #expect(response.log.prefix(2) == ["info: request", "info: response"], "\(response.log)")
        #expect(response.curl == #"curl -i 'http://127.0.0.1:10000/a?b='\''c'\'''"#)
        #expect(try report.failure("does not trap")?.mismatches.first?.expected == "a trap")
        #expect(try report.failure("does not refuse")?.mismatches.first?.got == "it is accepted")
        #expect(
            try report.failure("refuses otherwise")?.mismatches.first?.got.contains("request") == true)
        #expect(try report.failure("names a cluster")?.hint?.contains("\"nowhere\"") == true)
        let brokenNames = report.results.filter { if case .broken = $0.verdict { true } else { false } }
        #expect(brokenNames.map(\.scenario) == ["loops in request", "loops in configure", "loops in tick"])
        #expect(try Self.runningProcesses(of: link) == [])
    }

    @Test(.requires(.envoy), .requires(.wabt)) func `an Envoy that ends is replaced`() async throws {
        let scratch = try ScratchDirectory("envoy")
        let link = scratch.appending("envoy")
        try FileManager.default.createSymbolicLink(
            atPath: link.string, withDestinationPath: try #require(Tool.envoy.path).string)
        let playing = Playing(try await ManyMoods.module())
        let file = try ScenarioFile(
            parsing: """
                tests:
                - {name: before, config: "", request: {path: /}, expect: {status: 200}}
                - {name: meanwhile, config: "", wait: 2s, expect: {no_log: [never]}}
                - {name: after, config: "", request: {path: /}, expect: {status: 200}}
                """, file: "t.yaml")
        let run = ScenarioRun(
            filter: playing.filter, envoy: EnvoyBinary(link), transport: CurlTransport(),
            options: playing.options)
        let report = try await run.run([file]) { result in
            guard result.scenario == "before" else { return }
            for pid in (try? Self.runningProcesses(of: link)) ?? [] {
                if let pid = Int32(pid) { kill(pid, SIGKILL) }
            }
        }
        #expect(try report.failure("before") == nil)
        #expect(try report.failure("after") == nil)
        guard case .broken(let failure)? = report.results.dropFirst().first?.verdict else {
            Issue.record("\(report.results)")
            return
        }
        #expect(failure.problem?.hasPrefix("envoy ended while") == true, "\(failure)")
        #expect(failure.problem?.contains("signal 9") == true, "\(failure)")
    }

    /// The pids of the processes that run a program by this path.
    private static func runningProcesses(of program: FilePath) throws -> [String] {
        try Files.contents("/proc").filter { name in
            guard name.allSatisfy(\.isNumber),
                let line = try? Files.read(
                    FilePath("/proc").appending(name).appending("cmdline"), limit: 1 << 16)
            else { return false }
            return String(decoding: line, as: UTF8.self).contains(program.string)
        }
    }

    @Test(.requires(.envoy), .requires(.wabt))
    func `coverage names what never returns and what was never entered`() async throws {
        var playing = Playing(try await ManyMoods.module())
        playing.options.coverage = true
        playing.options.stepLimit = .seconds(3)
        playing.options.startLimit = .seconds(6)
        let report = try await playing.run(
            """
            tests:
            - {name: adds, config: "", request: {path: /}, expect: {log: [request, response], no_log: [tick]}}
            - {name: loops, config: xx, request: {path: /}, expect: {status: 200}}
            - {name: adds again, config: "", request: {path: /}, expect: {status: 200}}
            """)
        #expect(report.neverEntered == ["proxy_on_tick", "proxy_on_queue_ready"])
        let loop = try #require(try report.failure("loops"))
        #expect(loop.problem?.hasPrefix("\"proxy_on_request_headers\" never returns") == true, "\(loop)")
        #expect(loop.log == ["info: request"])
        #expect(report.failures.count == 1, "\(report.failures)")
    }

    @Test(.requires(.wabt)) func `an Envoy that cannot run concerns all`() async throws {
        var playing = Playing(try await ManyMoods.module())
        playing.envoy = EnvoyBinary("/bin/false")
        await #expect(throws: EnvoyError.self) {
            try await playing.run("tests: [{name: a, request: {path: /}, expect: {status: 200}}]")
        }
    }
}
