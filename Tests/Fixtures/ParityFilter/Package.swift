// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
    name: "ParityFilter",
    dependencies: [.package(path: "../../../sdk-templates/swift/ProxyWasm")],
    targets: [
        .target(name: "ParityFilter", dependencies: [.product(name: "ProxyWasm", package: "ProxyWasm")]),
        .executableTarget(
            name: "ParityModule",
            dependencies: ["ParityFilter", .product(name: "ProxyWasm", package: "ProxyWasm")]),
    ],
    swiftLanguageModes: [.v6]
)
