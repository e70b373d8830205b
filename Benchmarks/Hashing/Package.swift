// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// A package of its own: swift-crypto is measured here and used nowhere else.
let package = Package(
    name: "Hashing",
    dependencies: [.package(url: "https://github.com/apple/swift-crypto", from: "4.0.0")],
    targets: [
        .systemLibrary(name: "COpenSSL", path: "COpenSSL"),
        .executableTarget(
            name: "Hashing", dependencies: ["COpenSSL", .product(name: "Crypto", package: "swift-crypto")]),
    ],
    swiftLanguageModes: [.v6]
)
