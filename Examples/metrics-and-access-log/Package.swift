// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
    name: "metrics-and-access-log",
    dependencies: [
        // A filter outside this repository has a copy of the SDK instead: see `wasme init`.
        .package(path: "../../sdk-templates/swift/ProxyWasm")
    ],
    targets: [
        .executableTarget(
            name: "MetricsAndAccessLog",
            dependencies: [.product(name: "ProxyWasm", package: "ProxyWasm")]
        ),
        .testTarget(
            name: "MetricsAndAccessLogTests",
            dependencies: [
                "MetricsAndAccessLog",
                .product(name: "ProxyWasm", package: "ProxyWasm"),
                .product(name: "ProxyWasmTesting", package: "ProxyWasm"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
