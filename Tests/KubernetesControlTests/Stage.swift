// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Somebody with the real program: a home of their own, an image in its store, and the API server of the suite, if it has one.
///
/// What a suite needs besides stands in extensions beside it.
struct Stage: Sendable {
    let scratch: ScratchDirectory
    /// As in `127.0.0.1:40123/acme/add-header:v1`.
    ///
    /// Others of the suite have it too: what a test pushes has another name.
    let image: String
    var environment: [String: String]
    /// Where the program runs.
    var folder: FilePath

    /// - Parameter registry: the host and port in the image's name.
    /// - Throws: `SystemError` if there is no room.
    init(registry: String) throws {
        scratch = try ScratchDirectory("stage")
        image = "\(registry)/acme/add-header:v1"
        folder = scratch.path
        environment = [
            "WASME_HOME": scratch.appending("home").string, "HOME": scratch.path.string,
            "DOCKER_CONFIG": scratch.appending("docker").string, "WASME_WHO": "anna@build-1",
            "KUBECONFIG": KubernetesServer.current?.administrator.string ?? "/dev/null",
        ]
    }

    /// Runs some work with an image that is in a real registry: that of the suite, which says `.filterImage`.
    static func run(_ work: @Sendable (Stage) async throws -> Void) async throws {
        let shelf = try #require(Shelf.current)
        let stage = try Stage(registry: shelf.registry)
        try FileManager.default.copyItem(atPath: shelf.home.string, toPath: stage.home.string)
        try await work(stage)
    }

    /// Runs some work with an image in the local store alone, whose registry is at an address.
    static func run(
        registry: String, _ work: @Sendable (Stage) async throws -> Void
    ) async throws {
        let stage = try Stage(registry: registry)
        try await stage.build(stage.image)
        try await work(stage)
    }

    /// The same image in the original's layout, which Gloo's control plane takes.
    var artifact: String { image.replacing(/:v1$/, with: ":artifact") }

    /// A name for an image that a test pushes, in the same registry.
    func own(_ name: String) -> String {
        let owner = (scratch.path.lastComponent?.string ?? "").lowercased().filter {
            $0.isLetter || $0.isNumber
        }
        return "\(image.prefix { $0 != "/" })/\(owner)/\(name):v1"
    }

    /// The folder of the local store.
    var home: FilePath { scratch.appending("home") }

    // MARK: - The program

    /// Runs `wasme`.
    /// - Parameters:
    ///   - arguments: what follows its name.
    ///   - user: who the cluster knows them as; the administrator if it is not said.
    ///   - more: variables besides the stage's.
    ///   - input: what it reads.
    /// - Returns: what it left.
    /// - Throws: `ProcessFailure` if it cannot be run.
    func wasme(
        _ arguments: [String], as user: String? = nil, _ more: [String: String] = [:], input: String? = nil
    ) async throws -> ProcessOutcome {
        var environment = environment.merging(more) { $1 }
        if let user { environment["KUBECONFIG"] = try Cluster.server.configuration(for: user).string }
        return try await TestSupport.run(
            buildFolder.appending("wasme"), arguments, environment: environment, in: folder, input: input)
    }

    /// Runs `wasme`, which must succeed.
    /// - Returns: its standard output.
    @discardableResult
    func done(_ arguments: [String], _ more: [String: String] = [:]) async throws -> String {
        let outcome = try await wasme(arguments, more)
        try #require(outcome.status == 0, "\(outcome.stderr)")
        return outcome.stdout
    }

    /// Deploys the image to Istio.
    func deploy(
        _ more: [String], as user: String? = nil, _ environment: [String: String] = [:]
    ) async throws -> ProcessOutcome {
        try await wasme(
            ["deploy", "istio", image] + (more.contains("--id") ? [] : ["--id", "add-header"]) + more,
            as: user, environment)
    }

    /// Packs a small filter under a name.
    func build(
        _ image: String, _ filter: TinyFilter = TinyFilter(), _ more: [String] = []
    ) async throws {
        let module = scratch.appending("filter.wasm")
        try Files.replace(module, with: filter.bytes)
        try await done(
            ["build", "precompiled", module.string, "-t", image, "--root-id", "add_header"] + more)
    }

    /// Packs a small filter under a name, and pushes it.
    func push(
        _ image: String, _ filter: TinyFilter = TinyFilter(), _ more: [String] = []
    ) async throws {
        try await build(image, filter, more)
        try await done(["push", image])
    }
}

/// A registry with an image, and the local store that it was pushed from: made once for a suite.
struct Shelf: Sendable {
    /// Host and port.
    let registry: String
    let home: FilePath

    @TaskLocal static var current: Shelf?
}

/// Runs a suite with a shelf, `Shelf.current`.
struct ShelfTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        // The tests that need it are skipped, and the others go on.
        guard Tool.registry.path != nil || Tool.registry.isRequired else { return try await function() }
        try await DockerRegistry.run { registry in
            let stage = try Stage(registry: registry.address)
            try await stage.push(stage.image)
            try await stage.done(["copy", stage.image, stage.artifact, "--variant", "artifact"])
            let shelf = Shelf(registry: registry.address, home: stage.home)
            try await Shelf.$current.withValue(shelf) { try await function() }
            withExtendedLifetime(stage) {}
        }
    }
}

extension Trait where Self == ShelfTrait {
    /// Runs a suite beside a real registry with an image of a small filter.
    static var filterImage: Self { ShelfTrait() }
}
