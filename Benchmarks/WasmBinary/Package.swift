// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// A package of its own, around the sources themselves: what is measured needs none of the other targets.
let package = Package(
    name: "WasmBinaryBenchmark",
    targets: [
        // A link to Sources/WasmBinary.
        .target(
            name: "WasmBinary",
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
            ]),
        .executableTarget(name: "WasmBinaryBenchmark", dependencies: ["WasmBinary"]),
    ],
    swiftLanguageModes: [.v6]
)
