// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
    name: "api-key",
    dependencies: [
        // A filter outside this repository has a copy of the SDK instead: see `wasme init`.
        .package(path: "../../sdk-templates/swift/ProxyWasm")
    ],
    targets: [
        .executableTarget(
            name: "APIKey",
            dependencies: [.product(name: "ProxyWasm", package: "ProxyWasm")]
        ),
        .testTarget(
            name: "APIKeyTests",
            dependencies: [
                "APIKey",
                .product(name: "ProxyWasm", package: "ProxyWasm"),
                .product(name: "ProxyWasmTesting", package: "ProxyWasm"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
