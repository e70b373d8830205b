// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import DevLoop
import EnvoyControl
import Files
import FilterProject
import FilterProxy
import Foundation
import LoopbackServer
import Scenarios
import SystemPackage
import TestSupport
import Testing
import WasmBinary
import WasmeTemplates

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Live traffic becomes tests, and the tests pass.
@Suite(.serialized) struct RecorderTests {
    /// Sends requests through a filter in front of a server, and records them.
    private func record(
        _ version: FilterVersion, keepsSecrets: Bool = false, _ requests: [URLRequest]
    ) async throws -> ScenarioRecorder {
        let server = try LoopbackServer { exchange in
            let body = try exchange.drain()
            try exchange.respond(
                exchange.request.path == "/missing" ? 404 : 200,
                headers: [
                    ("Content-Type", "text/plain"), ("X-Powered-By", "magic"),
                    ("Set-Cookie", "sid=verysecret; Path=/"), ("Vary", "origin"),
                ],
                text: "you sent \(body) bytes, ${this} is no variable\n")
        }
        defer { server.stop() }
        var settings = FrontSettings(kind: .http)
        settings.listen = HostPort(host: "127.0.0.1", port: 0)
        settings.upstream = try Upstream("http://\(server.authority)")
        settings.records = true
        let chosen = settings
        let configuration = version.configuration
        return try await FilterFront.run(
            EnvoyBinary(try #require(Tool.envoy.path)), chosen, transport: CurlTransport()
        ) { front in
            #expect(try await front.install(version, as: "1") == .accepted)
            var recorder = ScenarioRecorder(configuration: configuration, keepsSecrets: keepsSecrets)
            var streams = StreamRecordFolder(try #require(front.recording))
            var seen = 0
            for request in requests {
                var request = request
                let path = request.url?.absoluteString ?? "/"
                request.url = URL(string: "http://\(front.address)\(path)")
                _ = try await URLSession.shared.data(for: request)
            }
            for _ in 0..<500 where seen < requests.count {
                for exchange in try streams.look().exchanges {
                    recorder.add(exchange)
                    seen += 1
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(seen == requests.count)
            return recorder
        }
    }

    private func request(
        _ path: String, _ method: String = "GET", _ headers: [String: String] = [:], body: String? = nil
    ) throws -> URLRequest {
        var request = URLRequest(url: try #require(URL(string: path)))
        request.httpMethod = method
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        request.httpBody = body.map { Data($0.utf8) }
        return request
    }

    /// Plays what was recorded.
    private func play(_ yaml: String, _ version: FilterVersion) async throws -> ScenarioReport {
        let file = try ScenarioFile(parsing: yaml, file: "recorded.yaml")
        let filter = ScenarioFilter(name: version.name, module: version.module, rootID: version.rootID)
        return try await ScenarioRun(
            filter: filter, envoy: EnvoyBinary(try #require(Tool.envoy.path)), transport: CurlTransport()
        ).run([file])
    }

    private func check(_ report: ScenarioReport, _ count: Int, _ yaml: String) {
        #expect(report.results.count == count)
        for result in report.results {
            guard case .passed = result.verdict else {
                Issue.record("\(result.scenario): \(result.verdict)\n\(yaml)")
                continue
            }
        }
    }

    @Test(.requires(.envoy)) func `what a filter adds is expected, and secrets are not written down`()
        async throws
    {
        let version = FilterVersion(
            name: "tiny", kind: .http, rootID: "", module: TinyFilter().bytes, configuration: nil)
        let recorder = try await record(
            version,
            [
                try request("/a?access_token=hushhush&b=c", "GET", ["Authorization": "Bearer topsecret"]),
                try request("/missing", "POST", ["X-Copy": "topsecret and more"], body: "some\nbody\n"),
                try request("/missing", "POST", ["X-Copy": "topsecret and more"], body: "some\nbody\n"),
                try request("/${x}".replacing("{", with: "%7B").replacing("}", with: "%7D")),
            ])
        #expect(recorder.leftOut == [])
        #expect(recorder.count == 3)
        let yaml = try #require(recorder.yaml)
        for secret in ["topsecret", "hushhush", "verysecret"] { #expect(!yaml.contains(secret), "\(yaml)") }
        #expect(yaml.contains("Bearer placeholder-"))
        let scenarios = try ScenarioFile(parsing: yaml, file: "recorded.yaml").scenarios
        guard case .steps(let steps)? = scenarios.last(where: { $0.name.contains("missing") })?.outcome,
            let step = steps.first, case .request(let sent) = step.stimulus
        else {
            Issue.record("\(yaml)")
            return
        }
        #expect(sent.method == "POST")
        #expect(step.expectation.status == 404)
        #expect(step.expectation.response.headers.map(\.name) == ["hello"])
        check(try await play(yaml, version), 3, yaml)
    }

    @Test(.requires(.envoy)) func `secrets are kept for who wants them`() async throws {
        let version = FilterVersion(
            name: "tiny", kind: .http, rootID: "", module: TinyFilter().bytes, configuration: nil)
        let recorder = try await record(
            version, keepsSecrets: true,
            [try request("/", "GET", ["Authorization": "Bearer topsecret"])])
        #expect(try #require(recorder.yaml).contains("Bearer topsecret"))
    }

    @Test(.requires(.swift), .requires(.envoy)) func `header-rewrite passes what was recorded of it`()
        async throws
    {
        let project = try FilterProject(root: repositoryRoot.pushing("Examples/header-rewrite"))
        let scratch = try ScratchDirectory("recorder")
        let output = try FileDescriptor.open(
            scratch.appending("log"), .writeOnly, options: [.create], permissions: .ownerReadWrite)
        defer { try? output.close() }
        let built = try await ProjectBuild(project).run(
            BuildContext(
                environment: ProcessInfo.processInfo.environment,
                catalog: TemplateCatalog(root: repositoryRoot.appending("sdk-templates").string),
                output: output))
        let version = FilterVersion(
            name: "header-rewrite", kind: .http, rootID: "header_rewrite", module: built.module.bytes,
            configuration: """
                {"request": [{"set": "x-kind", "value": "new"}, {"remove": "x-debug"},
                  {"set": "x-seen", "value": "%request.method% %request.path%"}],
                 "response": [{"set": "cache-control", "value": "no-store"}, {"remove": "x-powered-by"}]}
                """)
        let recorder = try await record(
            version,
            [
                try request("/shop", "GET", ["X-Kind": "old", "X-Debug": "1"]),
                try request("/missing", "POST", ["Cookie": "sid=abcdefgh"], body: "x=1"),
            ])
        let yaml = try #require(recorder.yaml)
        #expect(yaml.contains("x-seen: GET /shop") || yaml.contains("x-seen: \"GET /shop\""), "\(yaml)")
        check(try await play(yaml, version), 2, yaml)
    }
}
