// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import FilterImage
import HostProfiles
import OCI
import WasmBinary

extension EnvoyPlugin.FailurePolicy: ExpressibleByArgument {
    /// Reads its word.
    public init?(argument: String) { self.init(word: argument) }
    /// Its word.
    public var defaultValueDescription: String { word }
    /// All words.
    public static var allValueStrings: [String] { allCases.map(\.word) }
    /// None: the help of the option says what each means.
    public static var allValueDescriptions: [String: String] { [:] }
}

/// How a filter is to run, wherever it runs.
struct FilterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The filter's configuration, or @ and a file with it; checked against the image's schema.",
            valueName: "json|@file"))
    var config: String?

    @Option(
        help: ArgumentHelp("The deployment's name (default: the filter's).", valueName: "name"))
    var id: String?

    @Option(
        help: ArgumentHelp("Which plugin of the module to run (default: the image's first).", valueName: "id")
    )
    var rootID: String?

    @Option(
        help: ArgumentHelp(
            "When the filter traps: reload answers 503 and starts it again, closed answers 503 from then on, open serves without it (default: reload).",
            valueName: "policy"))
    var failurePolicy: EnvoyPlugin.FailurePolicy?

    @Option(
        help: ArgumentHelp(
            "Where among the filters of a chain it runs: the higher, the earlier (default: 0).",
            valueName: "number"))
    var priority: Int?

    @Option(
        help: ArgumentHelp(
            "Plugins of one module with the same id share a virtual machine.", valueName: "id"))
    var vmID: String?

    @Option(
        help: ArgumentHelp(
            "A variable for the module, or the name of one that it gets from the proxy; may be repeated.",
            valueName: "name=value|name"))
    var env: [String] = []

    @Option(
        help: ArgumentHelp(
            "A host call or callback that the module may use, and no others; may be repeated.",
            valueName: "name"))
    var capability: [String] = []

    @Flag(help: "Let the module use only what it imports and exports itself.")
    var restrict = false

    init() {}

    func validate() throws {
        if restrict, !capability.isEmpty {
            throw ValidationError("--restrict finds the capabilities itself: leave out --capability")
        }
        _ = try environment()
    }

    /// The options that only a filter's host can carry out, as far as they are given.
    var runtimeOptions: [String] {
        [
            priority.map { _ in "--priority" }, vmID.map { _ in "--vm-id" }, env.isEmpty ? nil : "--env",
            capability.isEmpty ? nil : "--capability", restrict ? "--restrict" : nil,
        ].compactMap { $0 }
    }

    /// Whether anything is said here.
    var isGiven: Bool {
        config != nil || id != nil || rootID != nil || failurePolicy != nil || !runtimeOptions.isEmpty
    }

    /// What is to run of an image.
    func deployment(of image: StoredFilter, in context: CommandContext) throws -> FilterDeployment {
        var deployment = FilterDeployment(
            id: id ?? image.name, image: image.reference, digest: image.digest)
        deployment.kind = image.kind
        deployment.rootID = rootID ?? image.content.runtime.rootIDs.first ?? ""
        deployment.configuration = try config.map { try context.configuration($0) }
        deployment.failurePolicy = failurePolicy
        deployment.priority = priority
        deployment.vmID = vmID ?? ""
        deployment.environment = try environment()
        if !capability.isEmpty {
            deployment.capabilities = capability
            try deployment.checkCapabilities(of: image.content.module)
        }
        if restrict {
            deployment.capabilities = Capabilities(try WasmModule(image.content.module)).allowed
        }
        return deployment
    }

    private func environment() throws -> [String: FilterDeployment.EnvironmentValue] {
        var variables: [String: FilterDeployment.EnvironmentValue] = [:]
        for text in env {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard !name.isEmpty else {
                throw ValidationError("--env \"\(text)\" names no variable: write NAME=VALUE, or NAME alone")
            }
            guard variables[name] == nil else { throw ValidationError("--env names \"\(name)\" twice") }
            variables[name] = parts.count == 2 ? .value(String(parts[1])) : .host
        }
        return variables
    }
}
