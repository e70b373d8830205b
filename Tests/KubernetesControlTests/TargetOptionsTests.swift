// SPDX-License-Identifier: Apache-2.0

import Files
import SystemPackage
import TestSupport
import Testing

/// Command line and file are two spellings of one deployment: what each renders for a target has to be the same.
@Suite struct TargetOptionsTests {
    /// What only a target can be told, and a piece of what comes of it.
    static let cases: [(target: String, arguments: [String], shows: [String])] = [
        (
            "istio",
            ["-l", "app=web", "--allow-stop-iteration", "--reload-backoff", "250ms,30s", "--gateway"],
            [
                "kind: EnvoyFilter", "allow_on_headers_stop_iteration: true", "base_interval: \"0.250s\"",
                "max_interval: \"30s\"", "context: GATEWAY",
            ]
        ),
        (
            "istio",
            [
                "--kind", "TrafficExtension", "--target", "Gateway/edge", "--phase", "authz",
                "--priority", "7", "--port", "8080", "--patch-context", "outbound", "--pull-secret", "hub",
            ],
            [
                "kind: TrafficExtension", "name: edge", "phase: AUTHZ", "priority: 7", "number: 8080",
                "mode: CLIENT", "imagePullSecret: hub",
            ]
        ),
        ("istio", ["--no-allow-stop-iteration"], ["allow_on_headers_stop_iteration: false"]),
        (
            "envoy-gateway",
            [
                "--target", "HTTPRoute/web", "--merge-type", "StrategicMerge", "--certificate-authority",
                "hub-ca",
            ],
            ["mergeType: StrategicMerge", "name: hub-ca"]
        ),
        (
            "gloo",
            [
                "--gateway", "edge", "--stage", "AuthZStage", "--predicate", "After", "--module-path",
                "/wasm/m.wasm",
            ],
            ["name: edge", "stage: AuthZStage", "predicate: After", "filePath: /wasm/m.wasm"]
        ),
        ("higress", ["--phase", "stats"], ["phase: STATS", "namespace: shop"]),
        (
            "kuma",
            [
                "-l", "app=web", "--mesh", "east", "--module-file", "/wasm/m.wasm", "--volume", "modules",
            ],
            ["kuma.io/mesh: east", "kind: ContainerPatch", "filename: /wasm/m.wasm"]
        ),
        (
            "kuma", ["--module-url", "https://modules.example/m.wasm"],
            ["uri: \"https://modules.example/m.wasm\"", "sni: modules.example"]
        ),
        (
            "consul",
            [
                "--service", "web", "--module-url", "https://modules.example/m.wasm", "--module-service",
                "modules", "--form", "hcl",
            ],
            ["Name = \"web\"", "URI = \"https://modules.example/m.wasm\""]
        ),
        (
            "cilium",
            [
                "--service", "shop/web:8080", "--service", "shop/cart", "--module-path", "/wasm/m.wasm",
                "--clusterwide",
            ],
            ["kind: CiliumClusterwideEnvoyConfig", "name: cart", "filename: /wasm/m.wasm"]
        ),
    ]

    @Test(arguments: cases.indices) func `a file says what the command line says`(_ index: Int) async throws {
        let (target, arguments, shows) = Self.cases[index]
        let stage = try Stage(registry: "hub.example")
        try await stage.build(stage.image)
        // What a target takes of images is not the question here.
        let line =
            ["deploy", target, stage.image, "-n", "shop", "--config", "{\"a\": 1}", "--no-check"] + arguments
        let file = try await stage.done(line + ["--print-deployment"])
        let path = try stage.scratch.write("deployment.yaml", file)
        try await stage.done(line + ["--output", "by-line"])
        try await stage.done(["deploy", "-f", path.string, "--no-check", "--output", "by-file"])
        let byLine = try Self.texts(in: stage.scratch.appending("by-line"))
        #expect(byLine == (try Self.texts(in: stage.scratch.appending("by-file"))))
        let all = byLine.values.joined()
        for piece in shows { #expect(all.contains(piece), "\(piece) in \(all)") }
    }

    /// The files of a folder without the time of the deployment.
    private static func texts(in folder: FilePath) throws -> [String: String] {
        var texts: [String: String] = [:]
        for name in try Files.contents(folder) {
            let text = String(decoding: try Files.read(folder.appending(name)), as: UTF8.self)
            texts[name] = text.replacing(/"at":"[^"]*"/, with: "")
        }
        return texts
    }

    @Test(arguments: ["", "1", "0s", "30s,1s", "1s,2s,3s", "1s,", "-1s"])
    func `a time that is none is refused`(_ text: String) async throws {
        let outcome = try await run(
            buildFolder.appending("wasme"),
            ["deploy", "istio", "hub.example/acme/x:v1", "--reload-backoff=\(text)"])
        #expect(outcome.status == 64)
        #expect(outcome.stderr.contains("--reload-backoff"))
    }
}
