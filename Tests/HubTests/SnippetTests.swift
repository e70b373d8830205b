// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import FilterImage
import Foundation
import HTTPTypes
import HubFacts
import JSON
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing
import Yams

/// Snippets to copy, held against what they are for.
@Suite struct SnippetTests {
    /// Configurations of strangers that would break a careless quote.
    static let configurations: [Installation.Configuration] = [
        .none, .json(.object(["header": .string("hello")])),
        .json(
            .object([
                "a: b": .string("' \" \\ # ${x} %{y} {{z}} \n\t- - |\n"), "yes": .bool(true), "<<": .null,
                "n": .array([.integer(1), .array([]), .object([:]), .array([.array([.string("no")])])]),
                "\u{202E}bidi": .string("\u{85}\u{2028}\u{FEFF}é😀\u{E0001}"), "": .string(""),
                "1e3": .string("1e3"),
                "~": .string("null"), "big": .number(JSONNumber(9_007_199_254_740_993)),
            ])),
        .text("not: 'JSON'\n\tat \"all\" '; rm -rf ~ \u{2028}"),
        // What a block of YAML would lose, or take for its indentation.
        .text("\n   deep\nless\n"), .text("lines\n at the end\n\n\n"), .text(" \u{301}\nx\n"),
    ]

    static func installation(
        _ configuration: Installation.Configuration, isEncrypted: Bool = false, isNetwork: Bool = false
    ) throws -> Installation {
        let digest = Digest(of: Array("manifest".utf8))
        return Installation(
            host: try RegistryHost(isEncrypted ? "hub.example" : "[::1]:5000"), isEncrypted: isEncrypted,
            repository: try Repository("acme/add_header.v2"), digest: digest,
            module: Digest(of: TinyFilter().bytes), rootID: "root: \"1\"\n", isNetwork: isNetwork,
            configuration: configuration)
    }

    static func snippet(_ id: String, of installation: Installation) throws -> String {
        try #require(installation.targets.flatMap(\.snippets).first { $0.id == id }, "\(id)").text
    }

    /// YAML as other readers see it.
    static func loaded(_ text: String) throws -> [String: Any] {
        try #require(try Yams.load(yaml: text) as? [String: Any])
    }

    static func dig(_ value: Any?, _ path: [String]) -> Any? {
        path.reduce(value) { place, key in
            if let list = place as? [Any], let index = Int(key) {
                return list.indices.contains(index) ? list[index] : nil
            }
            return (place as? [String: Any])?[key]
        }
    }

    // MARK: - Meaning

    @Test(arguments: configurations.indices)
    func `every snippet is read back as what was put into it`(_ index: Int) throws {
        let installation = try Self.installation(Self.configurations[index])
        let text = installation.configuration.text
        for (id, path) in [
            ("envoy-filter", ["http_filters", "0", "typed_config", "config"]),
            ("envoy-ecds", ["resources", "0", "typed_config", "config"]),
        ] {
            let plugin = Self.dig(try Self.loaded(try Self.snippet(id, of: installation)), path)
            #expect(Self.dig(plugin, ["root_id"]) as? String == "root: \"1\"\n", "\(id)")
            #expect(Self.dig(plugin, ["configuration", "value"]) as? String == text, "\(id)")
        }
        let kuma = try Self.loaded(try Self.snippet("kuma", of: installation))
        let inner = Self.dig(kuma, ["spec", "default", "appendModifications", "0", "httpFilter", "value"])
        let plugin = Self.dig(try Self.loaded(try #require(inner as? String)), ["typedConfig", "config"])
        #expect(Self.dig(plugin, ["configuration", "value"]) as? String == text)
        #expect(Self.dig(plugin, ["root_id"]) as? String == "root: \"1\"\n")
        let consul = try JSONSerialization.jsonObject(
            with: Data(try Self.snippet("consul", of: installation).utf8))
        #expect(
            Self.dig(consul, ["EnvoyExtensions", "0", "Arguments", "PluginConfig", "Configuration"])
                as? String
                == text)
        let istio = try Self.loaded(try Self.snippet("istio", of: installation))
        #expect(Self.dig(istio, ["spec", "url"]) as? String == "oci://\(installation.reference)")
        let object = Self.dig(istio, ["spec", "pluginConfig"]) as? [String: Any]
        if case .json(let value) = installation.configuration {
            #expect(object.map { Set($0.keys) } == value.object.map { Set($0.names) })
            #expect(object?["a: b"] as? String == value.object?["a: b"]?.string)
            #expect(object?["\u{202E}bidi"] as? String == value.object?["\u{202E}bidi"]?.string)
        } else {
            #expect(object == nil)
        }
        // Nothing that turns text round or hides in it is copied.
        for snippet in installation.targets.flatMap(\.snippets)
        where !snippet.text.hasPrefix("wasme ") || index < 3 {
            #expect(
                !snippet.text.unicodeScalars.contains {
                    [0x202E, 0x2028, 0xFEFF, 0x85, 0xE0001].contains($0.value)
                }, "\(snippet.id)")
        }
    }

    @Test func `a shell passes the configuration on as it is`() async throws {
        for configuration in Self.configurations {
            let installation = try Self.installation(configuration)
            for (id, target) in [
                ("wasme", "envoy"), ("istio-command", "istio"), ("envoy-gateway-command", "envoy-gateway"),
                ("higress-command", "higress"), ("kuma-command", "kuma"), ("consul-command", "consul"),
            ] {
                let command = try Self.snippet(id, of: installation)
                let outcome = try await run(
                    FilePath("/bin/sh"), ["-c", "wasme() { printf '%s\\0' \"$@\"; }\n" + command])
                let words = outcome.stdout.split(separator: "\0", omittingEmptySubsequences: false).map(
                    String.init)
                #expect(words.prefix(3) == ["deploy", target, installation.reference])
                let place = words.firstIndex(of: "--config")
                // What a target cannot be told is left out, as in its object.
                let isTold =
                    switch target {
                    case "higress": configuration.isObject
                    case "envoy-gateway": configuration.isJSON
                    default: true
                    }
                #expect(place.map { words[$0 + 1] } == (isTold ? configuration.text : nil), "\(id)")
                #expect(!words.contains("--plain-http"))
            }
        }
        let far = Installation(
            host: try RegistryHost("hub.example"), isEncrypted: false, repository: try Repository("a/b"),
            digest: Digest(of: []), module: Digest(of: []), rootID: "")
        #expect(try Self.snippet("istio-command", of: far).contains("--plain-http"))
    }

    @Test func `every snippet is pinned to a digest`() throws {
        for isNetwork in [false, true] {
            let installation = try Self.installation(.none, isNetwork: isNetwork)
            for target in installation.targets {
                #expect(
                    target.snippets.contains {
                        $0.text.contains(installation.digest.hex) || $0.text.contains(installation.module.hex)
                    }, "\(target.name)")
            }
            let ids = installation.targets.flatMap(\.snippets).map(\.id)
            #expect(Set(ids).count == ids.count)
        }
    }

    // MARK: - Envoy

    /// A whole bootstrap around the snippets of a page.
    private static func bootstrap(filters: [Any], clusters: [Any], isNetwork: Bool = false) throws -> String {
        let router: [String: Any] = [
            "name": "envoy.filters.http.router",
            "typed_config": ["@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"],
        ]
        let answer: [String: Any] = ["status": 200, "body": ["inline_string": "ok"]]
        let host: [String: Any] = [
            "name": "all", "domains": ["*"],
            "routes": [["match": ["prefix": "/"], "direct_response": answer] as [String: Any]],
        ]
        let manager: [String: Any] = [
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": [
                "@type":
                    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "in", "route_config": ["virtual_hosts": [host]],
                "http_filters": (isNetwork ? [] : filters) + [router],
            ] as [String: Any],
        ]
        let listener: [String: Any] = [
            "name": "in", "enable_reuse_port": false,
            "address": ["socket_address": ["address": "127.0.0.1", "port_value": 0] as [String: Any]],
            "filter_chains": [["filters": (isNetwork ? filters : []) + [manager]]],
        ]
        let bootstrap: [String: Any] = [
            "node": ["id": "test", "cluster": "test"],
            "admin": [
                "address": ["socket_address": ["address": "127.0.0.1", "port_value": 0] as [String: Any]]
            ],
            "static_resources": ["listeners": [listener], "clusters": clusters] as [String: Any],
        ]
        let data = try JSONSerialization.data(withJSONObject: bootstrap)
        return String(decoding: data, as: UTF8.self)
    }

    private func list(_ id: String, _ key: String, _ installation: Installation) throws -> [Any] {
        try #require(try Self.loaded(try Self.snippet(id, of: installation))[key] as? [Any])
    }

    @Test(.requires(.envoy), arguments: [(false, false), (true, false), (false, true)])
    func `Envoy takes the snippets for its bootstrap`(_ isEncrypted: Bool, _ isNetwork: Bool) async throws {
        let envoy = EnvoyBinary(try #require(Tool.envoy.path))
        let key = isNetwork ? "filters" : "http_filters"
        for configuration in Self.configurations {
            let installation = try Self.installation(
                configuration, isEncrypted: isEncrypted, isNetwork: isNetwork)
            let text = try Self.bootstrap(
                filters: try list("envoy-filter", key, installation),
                clusters: try list("envoy-cluster", "clusters", installation), isNetwork: isNetwork)
            try await envoy.validate(.text(text))
        }
    }

    @Test(.requires(.envoy), arguments: [false, true])
    func `Envoy takes the slot and the file that fills it`(_ isNetwork: Bool) async throws {
        let envoy = EnvoyBinary(try #require(Tool.envoy.path))
        let scratch = try ScratchDirectory("ecds")
        let module = try scratch.write("module.wasm", "")
        try Data(TinyFilter().bytes).write(to: URL(filePath: module.string))
        for configuration in Self.configurations {
            let installation = try Self.installation(configuration, isNetwork: isNetwork)
            let place = "/etc/envoy/ecds/\(installation.name).json"
            let file = try scratch.write("slot.json", try Self.snippet("envoy-ecds", of: installation))
            // The only change: where the file lies on this machine.
            let slot = try Self.snippet("envoy-slot", of: installation).replacing(place, with: file.string)
            let filters = try #require(
                try Self.loaded(slot)[isNetwork ? "filters" : "http_filters"] as? [Any])
            try await envoy.validate(
                .text(try Self.bootstrap(filters: filters, clusters: [], isNetwork: isNetwork)))
        }
    }

    @Test(.requires(.envoy)) func `a real Envoy runs the filter that a page's snippets name`() async throws {
        let envoy = EnvoyBinary(try #require(Tool.envoy.path))
        try await withHub { hub in
            try await hub.client.push(try FilterSketch(), to: "acme/tiny", tag: "v1")
            let page = try await hub.client.get("/r/acme/tiny:v1").text
            let filters = try #require(
                try Self.loaded(try TestSupport.snippet("envoy-filter", of: page))["http_filters"] as? [Any])
            let clusters = try #require(
                try Self.loaded(try TestSupport.snippet("envoy-cluster", of: page))["clusters"] as? [Any])
            let text = try Self.bootstrap(filters: filters, clusters: clusters)
            let transport = CurlTransport()
            try await EnvoyProcess.run(envoy, .text(text), transport: transport) { envoy in
                let listener = try #require(envoy.listeners.first)
                let request = HTTPRequest(
                    method: .get, scheme: "http", authority: listener.address.description, path: "/")
                let response = try await transport.send(
                    request, body: nil, options: HTTPTransportOptions()
                ) { _ in nil }
                #expect(response.status.code == 200)
                #expect(response.headerFields[try #require(HTTPField.Name("hello"))] == "world")
            }
        }
    }
}

extension Installation.Configuration {
    fileprivate var isJSON: Bool { if case .json = self { true } else { false } }
    fileprivate var isObject: Bool { if case .json(let value) = self { value.object != nil } else { false } }
}
