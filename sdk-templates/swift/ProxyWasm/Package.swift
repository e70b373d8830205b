// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "ProxyWasm",
    products: [
        .library(name: "ProxyWasm", targets: ["ProxyWasm"]),
        .library(name: "ProxyWasmTesting", targets: ["ProxyWasmTesting"]),
    ],
    targets: [
        // C: what the bare wasm32 target has no libc for, and the names of the Proxy-Wasm ABI.
        .target(name: "CProxyWasmABI"),
        // The API a filter is written against; Embedded Swift on wasm32, ordinary Swift elsewhere.
        .target(name: "ProxyWasm", dependencies: ["CProxyWasmABI"], swiftSettings: settings),
        // Native only: plays the proxy, so that a filter's unit tests need none.
        .target(
            name: "ProxyWasmTesting",
            dependencies: ["ProxyWasm", "CProxyWasmABI"],
            swiftSettings: settings
        ),
        // C, as it runs inside a module too: see run-in-wasm.sh beside it.
        .target(name: "HeapStress", path: "Tests/HeapStress", exclude: ["run-in-wasm.sh"]),
        // Counts the allocations of filters.
        .target(name: "AllocationCounter", dependencies: ["CProxyWasmABI"], path: "Tests/AllocationCounter"),
        .testTarget(
            name: "ProxyWasmTests",
            dependencies: [
                "ProxyWasm", "ProxyWasmTesting", "CProxyWasmABI", "AllocationCounter", "HeapStress",
            ],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
