// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Somebody with the built binaries, a folder of their own and nothing else.
struct Newcomer: Sendable {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("e2e") }

    var home: FilePath { scratch.appending("home") }

    var environment: [String: String] {
        [
            "WASME_HOME": home.string, "WASM_IMAGE_REGISTRY": "", "NO_COLOR": "1",
            "WASME_ENVOY": Tool.envoy.path?.string ?? "", "DOCKER_CONFIG": scratch.appending("docker").string,
        ]
    }

    /// Runs `wasme`.
    func wasme(
        _ arguments: String..., environment: [String: String] = [:], in folder: FilePath? = nil,
        input: String? = nil
    ) async throws -> ProcessOutcome {
        try await run(
            buildFolder.appending("wasme"), arguments,
            environment: self.environment.merging(environment) { $1 },
            in: folder ?? scratch.path, input: input)
    }

    /// Runs `wasme` and expects success.
    @discardableResult
    func does(_ arguments: String..., in folder: FilePath? = nil) async throws -> String {
        let outcome = try await run(
            buildFolder.appending("wasme"), arguments, environment: environment, in: folder ?? scratch.path)
        try #require(outcome.status == 0, "wasme \(arguments.joined(separator: " ")): \(outcome.stderr)")
        return outcome.stdout
    }

    /// Starts a hub on a free port.
    func startHub(data: String = "hub") async throws -> (process: BackgroundProcess, address: String) {
        let hub = try BackgroundProcess(
            buildFolder.appending("wasme-hub"),
            ["serve", "--data", scratch.appending(data).string, "--listen", "127.0.0.1:0"])
        try hub.start()
        let address = try await hub.line { $0.split(separator: "listening on http://").last.map(String.init) }
        return (hub, address)
    }

    /// Runs a filter in a real Envoy, by `wasme deploy envoy --run`.
    func startEnvoy(_ arguments: String...) async throws -> (process: BackgroundProcess, address: String) {
        let process = try BackgroundProcess(
            buildFolder.appending("wasme"),
            ["deploy", "envoy"] + arguments + ["--run", "--listen", "127.0.0.1:0"],
            environment: environment, in: scratch.path)
        try process.start()
        let address = try await process.line { line in
            line.split(separator: " ").first { $0.hasPrefix("http://") }.map { String($0.dropFirst(7)) }
        }
        return (process, address)
    }

    /// Asks an address by HTTP and gives the response's head, as `name: value` lines.
    func head(_ address: String, path: String = "/") async throws -> [String] {
        let curl = try #require(Tool.curl.path)
        let outcome = try await run(curl, ["-si", "--max-time", "20", "http://\(address)\(path)"])
        try #require(outcome.status == 0, "curl \(address)\(path): \(outcome.stderr)")
        return outcome.stdout.replacingOccurrences(of: "\r", with: "").components(separatedBy: "\n\n")[0]
            .split(separator: "\n").map(String.init)
    }
}

/// The scaffold's filter, built once for all suites: it takes a real toolchain some seconds.
enum BuiltFilter {
    static let shared = Task {
        let newcomer = try Newcomer()
        try await newcomer.does("init", "add-header", "--language", "swift")
        try await newcomer.does("build", "add-header", "-t", "add-header:v1")
        return newcomer
    }
}
