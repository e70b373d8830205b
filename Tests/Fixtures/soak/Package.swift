// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// Laid over what `wasme init soak` writes: see SoakTests.
let package = Package(
    name: "soak",
    dependencies: [.package(path: "Packages/ProxyWasm")],
    targets: [
        .target(name: "CMemory"),
        .executableTarget(
            name: "Soak", dependencies: ["CMemory", .product(name: "ProxyWasm", package: "ProxyWasm")]),
    ],
    swiftLanguageModes: [.v6]
)
