// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// The unit tests of the examples pass: all of them in one package, so that the SDK is compiled only once.
@Suite struct ExampleUnitTests {
    @Test(.requires(.swift)) func `all pass`() async throws {
        // Beside the build of these tests, so that a second run has little left to compile.
        let package = buildFolder.appending("example-unit-tests")
        var targets: [String] = []
        for name in Examples.names {
            for kind in ["Sources", "Tests"] {
                try Files.createDirectory(package.appending(kind))
                let folder = Examples.root.appending(name).appending(kind)
                for target in try Files.contents(folder) {
                    try link(package.appending(kind).appending(target), to: folder.appending(target))
                    targets.append(manifest(of: target, isTest: kind == "Tests"))
                }
            }
        }
        let text = """
            // swift-tools-version: 6.2
            import PackageDescription
            let sdk: [Target.Dependency] = [.product(name: "ProxyWasm", package: "ProxyWasm")]
            let testing: Target.Dependency = .product(name: "ProxyWasmTesting", package: "ProxyWasm")
            let package = Package(
                name: "examples",
                dependencies: [.package(path: "\(repositoryRoot.appending("sdk-templates/swift/ProxyWasm"))")],
                targets: [\(targets.joined(separator: ", "))],
                swiftLanguageModes: [.v6]
            )

            """
        try Files.replace(package.appending("Package.swift"), with: Array(text.utf8))
        let outcome = try await run(try #require(Tool.swift.path), ["test"], in: package)
        #expect(outcome.status == 0, "\(outcome.stdout)\(outcome.stderr)")
    }

    private func manifest(of target: String, isTest: Bool) -> String {
        guard isTest else { return ".executableTarget(name: \"\(target)\", dependencies: sdk)" }
        let tested = target.dropLast("Tests".count)
        return ".testTarget(name: \"\(target)\", dependencies: [\"\(tested)\", testing] + sdk)"
    }

    private func link(_ path: FilePath, to target: FilePath) throws {
        try? FileManager.default.removeItem(atPath: path.string)
        try FileManager.default.createSymbolicLink(atPath: path.string, withDestinationPath: target.string)
    }
}
