// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing

/// Holds the arrows between targets: an import that goes against the design fails here, not in a review.
@Suite struct DependencyDirectionTests {
    /// What each target may depend on, products of other packages by name; a target that is missing here is refused.
    static let allowed: [String: Set<String>] = [
        "COpenSSL": [], "CArchive": [], "CCrypt": [], "CCMark": [], "CCurl": [],
        "Diagnostics": [], "JSON": [],
        "YAML": ["Diagnostics", "JSON", "Yams"],
        "OCI": ["COpenSSL", "Diagnostics", "JSON"],
        "Files": ["Diagnostics", "OCI", "SystemPackage"],
        "Programs": ["Files", "Subprocess", "SystemPackage"],
        "OCILayout": ["Diagnostics", "Files", "OCI", "SystemPackage"],
        "OCIRegistry": ["Diagnostics", "Files", "JSON", "OCI", "HTTPTypes", "SystemPackage"],
        "CurlTransport": [
            "CCurl", "Diagnostics", "OCI", "OCIRegistry", "HTTPTypes", "SystemPackage",
        ],
        "ImageTransfer": [
            "Archive", "Diagnostics", "Files", "OCI", "OCILayout", "OCIRegistry", "SystemPackage",
        ],
        "Archive": ["CArchive", "Diagnostics", "OCI"],
        "WasmBinary": [],
        "FilterImage": ["Archive", "Diagnostics", "Files", "JSON", "OCI", "OCILayout", "SystemPackage"],
        "HostProfiles": ["Diagnostics", "FilterImage", "OCI", "WasmBinary"],
        "FilterInspection": [
            "Archive", "Diagnostics", "FilterImage", "HostProfiles", "JSON", "OCI", "WasmBinary",
        ],
        "WasmeTemplates": [],
        "FilterProject": [
            "Diagnostics", "Files", "FilterImage", "HostProfiles", "JSON", "OCI", "Programs", "WasmBinary",
            "WasmeTemplates", "YAML", "Mustache", "SystemPackage",
        ],
        "EnvoyControl": [
            "Archive", "Diagnostics", "Files", "OCI", "OCIRegistry", "HTTPTypes", "Subprocess",
            "SystemPackage",
        ],
        "Deployment": [
            "Diagnostics", "EnvoyControl", "Files", "JSON", "FilterImage", "HostProfiles", "OCI",
            "SystemPackage", "YAML", "Yams",
        ],
        "KubernetesControl": [
            "Deployment", "Diagnostics", "EnvoyControl", "Files", "JSON", "OCI", "OCIRegistry", "Programs",
            "HTTPTypes", "SystemPackage",
        ],
        "FilterProxy": ["Deployment", "EnvoyControl", "Files", "SystemPackage"],
        "FilterBench": [
            "Deployment", "Diagnostics", "EnvoyControl", "FilterProxy", "OCIRegistry", "SystemPackage",
        ],
        "Scenarios": [
            "Deployment", "Diagnostics", "EnvoyControl", "Files", "FilterImage", "FilterProject",
            "FilterProxy", "JSON", "OCIRegistry", "SystemPackage", "WasmBinary", "YAML",
        ],
        "DevLoop": [
            "Deployment", "Diagnostics", "EnvoyControl", "Files", "FilterProxy", "JSON", "OCI", "OCIRegistry",
            "HTTPTypes", "SystemPackage",
        ],
        "WasmeCommands": [
            "Archive", "Deployment", "DevLoop", "Diagnostics", "EnvoyControl", "Files", "FilterBench",
            "FilterImage",
            "FilterInspection",
            "FilterProject", "FilterProxy", "HostProfiles", "ImageTransfer", "JSON", "KubernetesControl",
            "OCI", "OCILayout",
            "OCIRegistry", "Scenarios", "WasmBinary", "WasmeTemplates", "ArgumentParser", "SystemPackage",
        ],
        "wasme": ["CurlTransport", "WasmeCommands", "SystemPackage"],
        "Secrets": ["CCrypt", "COpenSSL"],
        "Hub": ["Diagnostics", "OCI", "Secrets", "Logging", "NIOCore"],
        "HubStorage": [
            "Diagnostics", "Files", "Hub", "OCI", "Secrets", "GRDB", "GRDBSQLite", "NIOCore", "NIOPosix",
            "SystemPackage",
        ],
        "Markdown": ["CCMark"],
        "HubFacts": [
            "Archive", "Diagnostics", "FilterImage", "FilterInspection", "HostProfiles", "Hub", "JSON", "OCI",
            "WasmBinary",
        ],
        "HubHTTP": [
            "Diagnostics", "FilterInspection", "HostProfiles", "Hub", "HubFacts", "JSON", "Markdown", "OCI",
            "HTTPTypes", "Hummingbird",
            "HummingbirdCore", "Logging", "Mustache",
            "NIOCore", "NIOHTTP1", "NIOHTTPTypes", "NIOHTTPTypesHTTP1", "NIOSSL", "ServiceLifecycle",
            "UnixSignals",
        ],
        // The hub asks other registries with the command line's client.
        "HubOutbound": [
            "Diagnostics", "Hub", "OCI", "OCIRegistry", "Secrets", "HTTPTypes", "Logging",
            "ServiceLifecycle", "SystemPackage",
        ],
        "wasme-hub": [
            "CurlTransport", "Diagnostics", "Hub", "HubFacts", "HubHTTP", "HubOutbound", "HubStorage", "JSON",
            "OCI",
            "OCIRegistry", "ArgumentParser", "Logging", "ServiceLifecycle", "SystemPackage", "UnixSignals",
            "Yams",
        ],
    ]

    struct Description: Decodable {
        struct Target: Decodable {
            let name: String
            let type: String
            let target_dependencies: [String]?
            let product_dependencies: [String]?
        }
        let targets: [Target]
    }

    func describe() async throws -> [Description.Target] {
        let swift = try #require(Tool.swift.path)
        // Its own scratch folder: the build that runs these tests holds the lock on the usual one.
        let scratch = try ScratchDirectory("describe")
        let outcome = try await run(
            swift,
            ["package", "--scratch-path", scratch.path.string, "describe", "--type", "json"],
            in: repositoryRoot)
        try #require(outcome.status == 0, "\(outcome.stderr)")
        return try JSONDecoder().decode(Description.self, from: Data(outcome.stdout.utf8)).targets
    }

    @Test(.requires(.swift)) func `every target depends on what the design allows, and on nothing else`()
        async throws
    {
        let targets = try await describe().filter {
            $0.type != "test"
                && !["LoopbackServer", "ParityFilter", "SlotWorker", "StoreWorker", "TestSupport"].contains(
                    $0.name)
        }
        #expect(Set(targets.map(\.name)) == Set(Self.allowed.keys))
        for target in targets {
            let actual = Set((target.target_dependencies ?? []) + (target.product_dependencies ?? []))
            let extra = actual.subtracting(Self.allowed[target.name] ?? [])
            #expect(extra.isEmpty, "\(target.name) must not depend on \(extra.sorted())")
        }
    }

    @Test func `the command line reaches no server framework and the registry stays apart`() throws {
        func reachable(_ name: String) -> Set<String> {
            var found: Set<String> = []
            var open = [name]
            while let next = open.popLast() {
                for dependency in Self.allowed[next] ?? [] where found.insert(dependency).inserted {
                    open.append(dependency)
                }
            }
            return found
        }
        #expect(
            reachable("wasme").isDisjoint(with: [
                "Hummingbird", "NIOCore", "GRDB", "Hub", "HubHTTP", "HubStorage",
            ]))
        for name in Self.allowed.keys where !name.lowercased().contains("hub") {
            #expect(
                reachable(name).isDisjoint(with: ["Hub", "HubHTTP", "HubStorage", "wasme-hub"]), "\(name)")
        }
    }

    @Test func `the SDK depends on nothing`() throws {
        let manifest = repositoryRoot.appending("sdk-templates/swift/ProxyWasm/Package.swift")
        let text = try String(contentsOfFile: manifest.string, encoding: .utf8)
        #expect(!text.contains(".package("))
    }
}
