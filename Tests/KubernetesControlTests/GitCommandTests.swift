// SPDX-License-Identifier: Apache-2.0

import Deployment
import Files
import Foundation
import JSON
import SystemPackage
import TestSupport
import Testing
import YAML

/// `--git`, `--branch` and `--output` as processes: real git, a real registry, and no cluster.
@Suite(.requires(.git), .requires(.registry), .filterImage, .serialized) struct GitCommandTests {
    private struct GitStage: Sendable {
        let stage: Stage
        let fleet: Repository

        var scratch: ScratchDirectory { stage.scratch }
        var image: String { stage.image }

        func wasme(_ arguments: [String]) async throws -> ProcessOutcome { try await stage.wasme(arguments) }

        func deploy(_ value: Int, _ more: [String] = []) async throws -> ProcessOutcome {
            try await wasme(
                [
                    "deploy", "istio", image, "--id", "add-header", "-n", "shop", "-l", "app=web", "--config",
                    "{\"a\": \(value)}",
                ] + more)
        }
    }

    private func stage(_ work: @Sendable (GitStage) async throws -> Void) async throws {
        try await Stage.run { stage in
            try Files.createDirectory(stage.scratch.appending("tmp"))
            let fleet = try await Repository.make(in: stage.scratch)
            var stage = stage
            stage.folder = fleet.root
            stage.environment.merge(fleet.environment) { $1 }
            stage.environment["WASME_KUBECTL"] = "/nowhere/kubectl"
            try await work(GitStage(stage: stage, fleet: fleet))
        }
    }

    private static let file = "deploy/shop.wasmplugin.add-header.yaml"

    @Test func `a deploy is a commit, the same again is none, and undeploy takes it out`() async throws {
        try await stage { stage in
            let fleet = stage.fleet
            try fleet.write("README.md", "somebody's\n")
            let first = try await stage.deploy(1, ["--git", "deploy"])
            #expect(first.status == 0, "\(first.stderr)")
            let commit = try await fleet.git("rev-parse", "--short=12", "HEAD").dropLast()
            #expect(
                first.stdout
                    == "\(Self.file) created\ndeploy/kustomization.yaml created\ncommitted \(commit) to main\n"
            )
            #expect(first.stderr.contains("nothing is pushed, and \"\(fleet.root)\" has no remote"))
            let message = try await fleet.message()
            #expect(
                message.wholeMatch(of: /Deploy add-header to istio: (.*)add-header:v1 \([0-9a-f]{12}\)/)
                    != nil,
                "\(message)")
            #expect(try fleet.text(Self.file).contains("kind: WasmPlugin"))

            try await fleet.git("remote", "add", "origin", "https://git.example/fleet")
            let again = try await stage.deploy(1, ["--git", "deploy"])
            #expect(again.stdout == "unchanged: \"main\" has all of \"add-header\"\n")
            #expect(try await fleet.count() == 2)

            let planned = try await stage.deploy(2, ["--git", "deploy", "--dry-run", "client"])
            #expect(planned.stdout.contains("-    a: 1\n+    a: 2\n"), "\(planned)")
            #expect(try await fleet.count() == 2)
            let second = try await stage.deploy(2, ["--git", "deploy"])
            #expect(second.stderr.contains("do it with: git -C \(fleet.root) push origin main"))
            #expect(try await fleet.changes() == ["M \(Self.file)"])
            let object = try YAMLNode.document(try fleet.text(Self.file), file: Self.file).json
            let history = KubernetesStamp.history(of: "add-header", in: object)
            #expect(history.revisions.map(\.number) == [1, 2])
            #expect(history.revisions.map(\.author) == ["anna@build-1", "anna@build-1"])

            let gone = try await stage.wasme(["undeploy", "istio", "add-header", "--git", "deploy"])
            #expect(gone.status == 0, "\(gone.stderr)")
            #expect(try await fleet.changes() == ["M deploy/kustomization.yaml", "D \(Self.file)"])
            #expect(try await fleet.message() == "Undeploy add-header from istio")
            let none = try await stage.wasme(["undeploy", "istio", "add-header", "--git", "deploy"])
            #expect(none.status == 1)
            #expect(none.stderr.contains("there is no deployment \"add-header\" in \"deploy\""))
            #expect(try await fleet.git("status", "--porcelain") == " M README.md\n")
        }
    }

    @Test func `a branch of its own, as text and as JSON`() async throws {
        try await stage { stage in
            let fleet = stage.fleet
            let made = try await stage.deploy(1, ["--git", ".", "--branch", "filters", "--format", "json"])
            #expect(made.status == 0, "\(made.stderr)")
            let value = try #require(try JSONValue(parsing: made.stdout).object)
            #expect(value["branch"]?.string == "filters")
            #expect(
                value["commit"]?.string
                    == (try await fleet.git("rev-parse", "filters").dropLast()).description)
            #expect(
                value["files"]?.array?.compactMap { $0.object?["path"]?.string } == [
                    "shop.wasmplugin.add-header.yaml", "kustomization.yaml",
                ])
            #expect(try await stage.deploy(2, ["--git", ".", "--branch", "filters"]).status == 0)
            #expect(try await fleet.count("filters") == 3)
            #expect(try await fleet.count("main") == 1)
            #expect(try Files.contents(fleet.root) == [".git", "README.md"])
            try await fleet.expectNothingLeft(in: stage.scratch)
        }
    }

    @Test func `what is others', or would be without effect, is refused`() async throws {
        try await stage { stage in
            let fleet = stage.fleet
            try fleet.write(
                Self.file,
                """
                apiVersion: extensions.istio.io/v1alpha1
                kind: WasmPlugin
                metadata: {name: add-header, namespace: shop, labels: {app.kubernetes.io/managed-by: Helm}}

                """)
            try await fleet.git("add", ".")
            try await fleet.git("commit", "--quiet", "-m", "theirs")
            for more in [["--git", "deploy"], ["--output", "deploy"]] {
                let foreign = try await stage.deploy(1, more)
                #expect(foreign.status == 1)
                #expect(foreign.stderr.contains("is not wasme's, but \"Helm\"'s"), "\(foreign.stderr)")
            }
            #expect(try await fleet.count() == 2)
            for (more, words) in [
                (["--git", "x", "--dry-run", "server"], "--dry-run server asks a cluster"),
                (["--git", "x", "--wait"], "--wait asks proxies, and --git asks no cluster"),
                (["--output", "x", "--wait"], "--wait asks proxies, and --output asks no cluster"),
                (["--git", "x", "--context", "east"], "--context is for clusters"),
                (["--git", "x", "--atomic"], "--atomic is for clusters"),
                (["--git", "x", "--output", "y"], "--output cannot name another folder"),
                (["--branch", "b"], "--branch belongs to --git"),
            ] {
                let outcome = try await stage.deploy(1, more)
                #expect(outcome.status == 64, "\(outcome)")
                #expect(outcome.stderr.contains(words), "\(outcome.stderr)")
            }
            let outside = try await stage.deploy(1, ["--git", stage.scratch.path.string])
            #expect(outside.status == 1)
            #expect(outside.stderr.contains("is in no git checkout"), "\(outside.stderr)")
            #expect(try await fleet.git("status", "--porcelain") == "")
        }
    }

    @Test func `the name of a pull secret is written, and never what is in it`() async throws {
        try await stage { stage in
            let secret = Data("anna:s3cret-Word".utf8).base64EncodedString()
            let host = stage.image.prefix { $0 != "/" }
            try stage.scratch.write(
                "docker/config.json", "{\"auths\": {\"\(host)\": {\"auth\": \"\(secret)\"}}}")
            for more in [["--git", "deploy"], ["--output", "plain"]] {
                let outcome = try await stage.deploy(1, more + ["--pull-secret", "regcred"])
                #expect(outcome.status == 0, "\(outcome.stderr)")
                for name in try Files.contents(stage.fleet.root.pushing(FilePath(more[1]))) {
                    let text = try stage.fleet.text("\(more[1])/\(name)")
                    #expect(
                        !text.contains("s3cret") && !text.contains(secret) && !text.contains("kind: Secret"))
                    if name.contains("wasmplugin") { #expect(text.contains("imagePullSecret: regcred")) }
                }
            }
        }
    }

    @Test func `a folder without git keeps the history, too`() async throws {
        try await stage { stage in
            #expect(try await stage.deploy(1, ["--output", "deploy"]).stderr.contains("created"))
            let before = try stage.fleet.text(Self.file)
            let dry = try await stage.deploy(2, ["--output", "deploy", "--dry-run", "client"])
            #expect(dry.stderr.contains("would be changed"), "\(dry.stderr)")
            #expect(try await stage.deploy(1, ["--output", "deploy"]).stderr.contains("unchanged"))
            #expect(try stage.fleet.text(Self.file) == before)
            #expect(try await stage.deploy(2, ["--output", "deploy"]).status == 0)
            #expect(try stage.fleet.text(Self.file).contains("revision"))
            #expect(try stage.fleet.text(Self.file) != before)
        }
    }

    @Test func `a file with several documents is one commit`() async throws {
        try await stage { stage in
            func document(_ name: String, _ target: String) -> String {
                """
                apiVersion: wasme.io/v1
                kind: FilterDeployment
                metadata: {name: \(name)}
                spec:
                  filter: {image: "\(stage.image)"}
                  deployment: {\(target)}

                """
            }
            let file = try stage.scratch.write(
                "deployments.yaml",
                [
                    document("one", "istio: {namespace: shop, labels: {app: web}}"),
                    document("two", "gloo: {}"), document("three", "gloo: {}"),
                ].joined(separator: "---\n"))
            // Gloo takes images of another layout; which one it gets is not the point here.
            let deploy = ["deploy", "-f", file.string, "--no-check"]
            let made = try await stage.wasme(deploy + ["--git", "deploy"])
            #expect(made.status == 0, "\(made.stderr)")
            #expect(try await stage.fleet.count() == 2)
            let message = try await stage.fleet.message().split(separator: "\n").map { String($0) }
            try #require(message.count == 4)
            #expect(message[0] == "Deploy one, two, three")
            #expect(message[1].hasPrefix("one to istio: \(stage.image) ("))
            #expect(message[3].hasPrefix("three to gloo: "))
            let list = try stage.fleet.text("deploy/gloo-system.gateway.gateway-proxy.yaml")
            #expect(list.contains("name: three") && list.contains("name: two"), "\(list)")
            let kustomization = try stage.fleet.text("deploy/kustomization.yaml")
            #expect(kustomization.contains("shop.wasmplugin.one.yaml"), "\(kustomization)")
            let again = try await stage.wasme(deploy + ["--git", "deploy"])
            #expect(
                again.stdout == "unchanged: \"main\" has all of \"one\", \"two\", \"three\"\n", "\(again)")
            #expect(try await stage.fleet.count() == 2)
            // The list is others' too: it stays, without the filter.
            let gone = try await stage.wasme(["undeploy", "gloo", "two", "--git", "deploy"])
            #expect(gone.status == 0, "\(gone.stderr)")
            #expect(try await stage.fleet.changes().count == 1)
            let text = try stage.fleet.text("deploy/gloo-system.gateway.gateway-proxy.yaml")
            #expect(text.contains("name: three") && !text.contains("name: two"), "\(text)")
            // Without a cluster nothing but the documents is printed.
            let pinned = try await stage.wasme(deploy + ["--print-deployment"])
            #expect(pinned.status == 0, "\(pinned.stderr)")
            #expect(pinned.stdout.components(separatedBy: "---\n").count == 3)
            #expect(pinned.stdout.matches(of: /sha256:[0-9a-f]{64}/).count == 3, "\(pinned.stdout)")
            let second = try stage.scratch.write("pinned.yaml", pinned.stdout)
            let same = try await stage.wasme(["deploy", "-f", second.string, "--print-deployment"])
            #expect(same.stdout == pinned.stdout, "\(same.stderr)")
            let objects = try await stage.wasme(deploy + ["--dry-run", "client"])
            #expect(objects.stdout.components(separatedBy: "---\n").count == 3, "\(objects)")
            #expect(objects.stdout.contains("kind: WasmPlugin"))
        }
    }
}
