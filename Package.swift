// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// Every target is compiled with the same rules; a warning fails the build.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

extension Target {
    /// A library target below `Sources/`.
    static func library(_ name: String, _ dependencies: [Dependency], path: String? = nil) -> Target {
        .target(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
    }

    /// A target of the hub, which lives in a room of its own.
    static func hub(_ name: String, _ dependencies: [Dependency], resources: [Resource] = []) -> Target {
        .target(
            name: name, dependencies: dependencies, path: "registry/Sources/\(name)", resources: resources,
            swiftSettings: settings)
    }

    /// The Swift Testing suite of one target.
    static func tests(_ name: String, _ dependencies: [Dependency]) -> Target {
        .testTarget(name: name, dependencies: ["TestSupport"] + dependencies, swiftSettings: settings)
    }
}

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTPTypesHTTP1: Target.Dependency = .product(
    name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let proxyWasm: Target.Dependency = .product(name: "ProxyWasm", package: "ProxyWasm")
let proxyWasmTesting: Target.Dependency = .product(name: "ProxyWasmTesting", package: "ProxyWasm")
let serviceLifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

// The arrows below are held by Tests/ArchitectureTests: what is not listed there may not be added here.
let package = Package(
    name: "wasme",
    products: [
        .executable(name: "wasme", targets: ["wasme"]),
        .executable(name: "wasme-hub", targets: ["wasme-hub"]),
    ],
    dependencies: [
        .package(path: "sdk-templates/swift/ProxyWasm"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.0.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        // C libraries, each wrapped by one Swift target, OpenSSL by two. Their headers and libraries are where every compiler
        // looks; asking pkg-config would only add a tool that has to be there.
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CArchive"),
        .systemLibrary(name: "CCrypt"),
        .systemLibrary(name: "CCMark"),
        // Headers alone: the library is loaded when the first request is made.
        .target(name: "CCurl", publicHeadersPath: "."),

        // What an error says to a person; known to every library, knows none.
        .library("Diagnostics", []),
        // JSON as it was written: exact numbers, members in order, places of errors.
        .library("JSON", []),
        // YAML with the places of its values, as far as it says what JSON can.
        .library("YAML", ["Diagnostics", "JSON", yams]),
        // The values of the OCI specifications and the byte streams they are read from.
        .library("OCI", ["COpenSSL", "Diagnostics", "JSON"]),
        // Passwords and keys.
        .library("Secrets", ["CCrypt", "COpenSSL"]),
        // Durable files, locks and file-backed streams; shared by the store, the hub and deployments.
        .library("Files", ["Diagnostics", "OCI", system]),
        // Other programs of this machine, run and ended with all that they start.
        .library("Programs", ["Files", subprocess, system]),
        // The local store, an image layout on disk.
        .library("OCILayout", ["Diagnostics", "Files", "OCI", system]),
        // The distribution client over any HTTP transport.
        .library("OCIRegistry", ["Diagnostics", "Files", "JSON", "OCI", httpTypes, system]),
        // The transport over libcurl: the only target that knows curl.
        .library("CurlTransport", ["CCurl", "Diagnostics", "OCI", "OCIRegistry", httpTypes, system]),
        // Deterministic tar.gz in, hardened tar.gz out: the only target that knows libarchive.
        .library("Archive", ["CArchive", "Diagnostics", "OCI"]),
        // Images between stores, registries, layouts and archives.
        .library(
            "ImageTransfer", ["Archive", "Diagnostics", "Files", "OCI", "OCILayout", "OCIRegistry", system]),
        // Reads WebAssembly modules; leaf, also used by the hub.
        .library("WasmBinary", []),
        // What a filter image is: its variants, its runtime configuration, its configuration schema.
        .library(
            "FilterImage", ["Archive", "Diagnostics", "Files", "JSON", "OCI", "OCILayout", system]),
        // What hosts take, as data, and the checks of modules and images against it.
        .target(
            name: "HostProfiles",
            dependencies: ["Diagnostics", "FilterImage", "OCI", "WasmBinary"],
            resources: [.embedInCode("profiles")], swiftSettings: settings),
        // Looks into modules and images wherever they are, and compares them.
        .library(
            "FilterInspection",
            ["Archive", "Diagnostics", "FilterImage", "HostProfiles", "JSON", "OCI", "WasmBinary"]),
        // The files that `wasme init` writes, as resources.
        .target(
            name: "WasmeTemplates", path: "sdk-templates", exclude: ["README.md"],
            sources: ["TemplateCatalog.swift"],
            resources: [
                .copy("assemblyscript"),
                .copy("c"),
                .copy("cpp"),
                .copy("go"),
                .copy("kinds"),
                .copy("precompiled"),
                .copy("rust"),
                .copy("swift"),
                .copy("tinygo"),
                .copy("toolsets"),
                .copy("zig"),
            ],
            swiftSettings: settings),
        // A folder with wasme.yaml: parse, scaffold, build.
        .library(
            "FilterProject",
            [
                "Diagnostics", "Files", "FilterImage", "HostProfiles", "JSON", "OCI", "Programs",
                "WasmBinary",
                "WasmeTemplates", "YAML", mustache, system,
            ]),
        // A real Envoy as a process.
        .library(
            "EnvoyControl", ["Archive", "Diagnostics", "Files", "OCI", "OCIRegistry", httpTypes, system]),
        // Deployment plans per target and their proof.
        .library(
            "Deployment",
            [
                "Diagnostics", "EnvoyControl", "FilterImage", "Files", "HostProfiles", "JSON", "OCI", "YAML",
                system, yams,
            ]),
        // Clusters, as kubectl reaches them: what is written there, and what the proxies of its pods say to it.
        .library(
            "KubernetesControl",
            [
                "Deployment", "Diagnostics", "EnvoyControl", "Files", "JSON", "OCI", "OCIRegistry",
                "Programs",
                httpTypes, system,
            ]),
        // An Envoy with slots for filters, as those who try them need it.
        .library("FilterProxy", ["Deployment", "EnvoyControl", "Files", system]),
        // What a filter does, as its `tests.yaml` says it, and how a real Envoy is made to show it.
        .library(
            "Scenarios",
            [
                "Deployment", "Diagnostics", "EnvoyControl", "Files", "FilterImage", "FilterProject",
                "FilterProxy", "JSON", "OCIRegistry", "WasmBinary", "YAML", system,
            ]),
        // What a filter costs, measured in Envoys that take turns.
        .library(
            "FilterBench",
            ["Deployment", "Diagnostics", "EnvoyControl", "FilterProxy", "OCIRegistry", system]),
        // A filter that is being written, in a running Envoy.
        .library(
            "DevLoop",
            [
                "Deployment", "Diagnostics", "EnvoyControl", "Files", "FilterProxy", "JSON", "OCI",
                "OCIRegistry", httpTypes, system,
            ]),
        // One file per verb.
        .library(
            "WasmeCommands",
            [
                "Deployment", "DevLoop", "Diagnostics", "EnvoyControl", "Files", "FilterBench",
                "FilterImage",
                "FilterInspection", "FilterProject", "FilterProxy", "HostProfiles", "ImageTransfer", "JSON",
                "KubernetesControl",
                "OCI", "OCILayout",
                "OCIRegistry", "Scenarios", "WasmBinary", "WasmeTemplates", argumentParser, system,
            ]),
        .executableTarget(
            name: "wasme", dependencies: ["CurlTransport", "WasmeCommands", system], swiftSettings: settings),

        // The hub: domain, storage, HTTP, executable.
        .hub("Hub", ["Diagnostics", "OCI", "Secrets", logging, nioCore]),
        .hub(
            "HubStorage",
            ["Diagnostics", "Files", "Hub", "OCI", "Secrets", grdb, grdbSQLite, nioCore, nioPosix, system]),
        // READMEs as HTML: the only target that knows cmark.
        .hub("Markdown", ["CCMark"]),
        // What a module says and how it gets into a host, for the hub: the only one of its targets that knows what a filter is.
        .hub(
            "HubFacts",
            [
                "Archive", "Diagnostics", "FilterImage", "FilterInspection", "HostProfiles", "Hub", "JSON",
                "OCI",
                "WasmBinary",
            ]),
        .hub(
            "HubHTTP",
            [
                "Diagnostics", "FilterInspection", "HostProfiles", "Hub", "HubFacts", "JSON", "Markdown",
                "OCI",
                httpTypes, hummingbird,
                hummingbirdCore, logging, mustache,
                nioCore, nioHTTP1, nioHTTPTypes, nioHTTPTypesHTTP1, nioSSL, serviceLifecycle, unixSignals,
            ], resources: [.embedInCode("web")]),
        // What the hub asks and tells others: registries that it mirrors or copies, receivers of events.
        .hub(
            "HubOutbound",
            [
                "Diagnostics", "Hub", "OCI", "OCIRegistry", "Secrets", httpTypes, logging, serviceLifecycle,
                system,
            ]),
        .executableTarget(
            name: "wasme-hub",
            dependencies: [
                "CurlTransport", "Diagnostics", "Hub", "HubFacts", "HubHTTP", "HubOutbound", "HubStorage",
                "JSON", "OCI", "OCIRegistry", argumentParser, logging, serviceLifecycle, system, unixSignals,
                yams,
            ],
            path: "registry/Sources/wasme-hub", swiftSettings: settings),

        // Conditions, scratch folders and processes for the suites.
        .target(
            name: "TestSupport", dependencies: ["Files", system], path: "Tests/TestSupport",
            swiftSettings: settings),
        // An HTTP server that can misbehave, for the suites of both sides of the transport seam.
        .target(name: "LoopbackServer", path: "Tests/LoopbackServer", swiftSettings: settings),
        .tests("ArchitectureTests", [system]),
        .tests("ArchiveTests", ["Archive", "Files", "OCI", system]),
        .tests(
            "CurlTransportTests",
            ["CurlTransport", "LoopbackServer", "OCI", "OCIRegistry", httpTypes, system]),
        // A process that changes a slot, for the suite to kill.
        .executableTarget(
            name: "SlotWorker",
            dependencies: ["CurlTransport", "Deployment", "EnvoyControl", "Files", "OCI", system],
            path: "Tests/SlotWorker", swiftSettings: settings),
        .tests(
            "DeploymentTests",
            [
                "CurlTransport", "Deployment", "Diagnostics", "EnvoyControl", "FilterBench",
                "FilterImage", "Files", "HostProfiles", "JSON", "OCI", "OCIRegistry", "SlotWorker", "YAML",
                httpTypes, system, yams,
            ]),
        .tests(
            "DevLoopTests",
            [
                "CurlTransport", "Deployment", "DevLoop", "Diagnostics", "EnvoyControl", "Files",
                "FilterProject", "FilterProxy", "JSON", "LoopbackServer", "OCIRegistry", "Scenarios",
                "WasmBinary", "WasmeTemplates", "wasme", system,
            ]),
        .tests(
            "EndToEndTests",
            [
                "Files", "FilterImage", "LoopbackServer", "OCI", "OCILayout", "WasmBinary", "wasme",
                "wasme-hub", system,
            ]),
        .tests(
            "EnvoyControlTests",
            ["CurlTransport", "EnvoyControl", "Files", "OCIRegistry", httpTypes, system]),
        .tests(
            "ExampleTests",
            [
                "CurlTransport", "Deployment", "EnvoyControl", "Files", "FilterImage", "FilterProject",
                "JSON", "Scenarios", "WasmBinary", "WasmeTemplates", system,
            ]),
        .tests(
            "FilterBenchTests",
            ["CurlTransport", "Deployment", "EnvoyControl", "FilterBench"]),
        .tests("FilesTests", ["Diagnostics", "Files", system]),
        .tests(
            "FilterProxyTests",
            ["CurlTransport", "Deployment", "EnvoyControl", "Files", "FilterProxy", system]),
        .tests(
            "FilterImageTests", ["Archive", "Files", "FilterImage", "JSON", "OCI", "OCILayout", system]),
        .tests(
            "FilterInspectionTests",
            [
                "Archive", "CurlTransport", "FilterImage", "FilterInspection", "HostProfiles",
                "ImageTransfer", "LoopbackServer", "OCI", "OCIRegistry", "WasmBinary", "wasme-hub", httpTypes,
                system,
            ]),
        .tests(
            "FilterProjectTests",
            [
                "Diagnostics", "Files", "FilterImage", "FilterProject", "HostProfiles", "JSON", "WasmBinary",
                "WasmeTemplates", "YAML", system,
            ]),
        .tests(
            "HostProfilesTests",
            [
                "CurlTransport", "Diagnostics", "EnvoyControl", "Files", "FilterImage", "HostProfiles", "OCI",
                "OCILayout", "OCIRegistry", "WasmBinary", httpTypes, system,
            ]),
        .tests(
            "HubTests",
            [
                "Archive", "CurlTransport", "Diagnostics", "EnvoyControl", "FilterImage", "Hub", "HubFacts",
                "HubHTTP", "HubOutbound", "HubStorage", "JSON", "LoopbackServer", "Markdown", "OCI",
                "OCIRegistry",
                "Secrets", "wasme-hub", argumentParser, grdb, grdbSQLite, httpTypes, logging, nioCore,
                nioHTTP1,
                serviceLifecycle,
                system, yams,
            ]),
        .tests(
            "KubernetesControlTests",
            [
                "CurlTransport", "Deployment", "Diagnostics", "EnvoyControl", "Files", "JSON",
                "KubernetesControl", "LoopbackServer", "OCI", "OCIRegistry", "YAML", "wasme", httpTypes,
                system,
            ]),
        // A process that stores, names and removes images, for the suite to kill.
        .executableTarget(
            name: "StoreWorker", dependencies: ["Files", "OCI", "OCILayout", system],
            path: "Tests/StoreWorker",
            swiftSettings: settings),
        .tests(
            "ImageTransferTests",
            ["Archive", "Diagnostics", "Files", "ImageTransfer", "OCI", "OCILayout", system]),
        .tests("OCILayoutTests", ["Files", "OCI", "OCILayout", "StoreWorker", system]),
        .tests(
            "OCIRegistryTests",
            [
                "CurlTransport", "Diagnostics", "Files", "ImageTransfer", "LoopbackServer", "OCI",
                "OCIRegistry", "wasme-hub", httpTypes, system,
            ]),
        .tests("OCITests", ["OCI"]),
        .tests("ProgramsTests", ["Files", "Programs", system]),
        // The filter of the parity suite; it is a package of its own where it becomes a module.
        .target(
            name: "ParityFilter", dependencies: [proxyWasm],
            path: "Tests/Fixtures/ParityFilter/Sources/ParityFilter", swiftSettings: settings),
        .tests(
            "SDKParityTests",
            [
                "CurlTransport", "EnvoyControl", "FilterProject", "ParityFilter", "WasmeTemplates", proxyWasm,
                proxyWasmTesting, system,
            ]),
        .tests(
            "ScenariosTests",
            [
                "CurlTransport", "Deployment", "Diagnostics", "EnvoyControl", "Files", "FilterImage",
                "FilterProject", "JSON", "Scenarios", "WasmBinary", "WasmeTemplates", "YAML", system,
            ]),
        .tests("SecretsTests", ["Secrets"]),
        .tests("WasmBinaryTests", ["Files", "WasmBinary", system]),
        .tests(
            "WasmeCommandsTests",
            [
                "Archive", "CurlTransport", "Deployment", "EnvoyControl", "Files", "FilterImage",
                "ImageTransfer",
                "LoopbackServer", "OCI", "OCILayout", "OCIRegistry", "WasmeCommands", httpTypes, system,
            ]),
    ],
    swiftLanguageModes: [.v6]
)
