// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing
import Yams

@testable import wasme_hub

/// The samples in `registry/deploy` fit the program that they start.
@Suite struct DeploySampleTests {
    private static let folder = repositoryRoot.appending("registry").appending("deploy")

    private func text(_ name: String) throws -> String {
        String(decoding: try Files.read(Self.folder.appending(name)), as: UTF8.self)
    }

    @Test(.requires(.systemdAnalyze)) func `systemd finds nothing wrong with the unit, and little exposed`()
        async throws
    {
        let scratch = try ScratchDirectory("unit")
        // It also looks whether the program is there, which here lies elsewhere.
        let unit = try text("wasme-hub.service").replacingOccurrences(
            of: "/usr/local/bin/wasme-hub", with: HubProcess.program.string)
        let file = try scratch.write("wasme-hub.service", unit)
        let analyze = try #require(Tool.systemdAnalyze.path)
        let outcome = try await run(analyze, ["verify", file.string])
        #expect(outcome.status == 0 && outcome.stderr.isEmpty, "\(outcome.stderr)")
        let exposure = try await run(
            analyze, ["security", "--offline=true", "--threshold=20", file.string])
        #expect(exposure.status == 0, "\(exposure.stdout)")
    }

    @Test func `the hub takes the settings of the Kubernetes sample, whose probes ask where it listens`()
        throws
    {
        let objects = try Yams.load_all(yaml: try text("kubernetes.yaml")).compactMap { $0 as? [String: Any] }
        let kinds = objects.compactMap { $0["kind"] as? String }
        #expect(kinds == ["ConfigMap", "Service", "StatefulSet", "PodDisruptionBudget"])
        let map = try #require(objects[0]["data"] as? [String: String])
        var settings = HubConfiguration()
        try settings.apply(yaml: try #require(map["hub.yaml"]), file: "hub.yaml")
        let spec = try #require(
            ((objects[2]["spec"] as? [String: Any])?["template"] as? [String: Any])?["spec"] as? [String: Any]
        )
        let container = try #require((spec["containers"] as? [[String: Any]])?.first)
        var ports: [String: Int] = [:]
        for port in try #require(container["ports"] as? [[String: Any]]) {
            ports[try #require(port["name"] as? String)] = port["containerPort"] as? Int
        }
        #expect(settings.listen == "0.0.0.0:\(ports["https"] ?? 0)")
        #expect(settings.metrics.listen == "0.0.0.0:\(ports["metrics"] ?? 0)")
        for (probe, path) in [
            ("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz"),
        ] {
            let get = (container[probe] as? [String: Any])?["httpGet"] as? [String: String]
            #expect(get == ["path": path, "port": "metrics"], "\(probe)")
        }
        #expect(try #require(spec["terminationGracePeriodSeconds"] as? Int) > settings.shutdownGrace)
        let mounts = try #require(container["volumeMounts"] as? [[String: Any]]).compactMap {
            $0["mountPath"] as? String
        }
        for path in [settings.data, settings.tls.certificate, settings.tls.key, "/config/hub.yaml"] {
            #expect(mounts.contains { path?.hasPrefix($0) == true }, "\(path ?? "")")
        }
        #expect(container["args"] as? [String] == ["--config", "/config/hub.yaml"])
        let labels = ["app.kubernetes.io/name": "wasme-hub"]
        for object in objects[1...] {
            let selector = try #require((object["spec"] as? [String: Any])?["selector"] as? [String: Any])
            #expect((selector["matchLabels"] ?? selector) as? [String: String] == labels)
        }
    }

    @Test func `the Containerfile sets what the hub reads, and runs as nobody`() throws {
        let text = try text("Containerfile")
        let variables = text.matches(of: /(WASME_HUB_\w+)=(\S+)/).map { (String($0.1), String($0.2)) }
        var settings = HubConfiguration()
        try settings.apply(environment: Dictionary(uniqueKeysWithValues: variables))
        #expect(settings.listen == "0.0.0.0:5000")
        #expect(settings.data == "/data")
        #expect(text.contains("\nUSER 65532:65532\n"))
        #expect(text.contains("ENTRYPOINT [\"/usr/local/bin/wasme-hub\", \"serve\"]"))
    }
}
