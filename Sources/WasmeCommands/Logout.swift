// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import OCI
import OCIRegistry

/// `wasme logout`.
struct Logout: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Forget the credentials of a registry.",
        discussion: """
            Examples:
              wasme logout ghcr.io
              wasme logout --all
            """)

    @Argument(help: ArgumentHelp("The registry (default: WASM_IMAGE_REGISTRY).", valueName: "host"))
    var host: String?

    @Flag(help: "Forget those of all registries that docker's config.json names.")
    var all = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if all, host != nil { throw ValidationError("give a registry or --all, not both") }
    }

    func run(in context: CommandContext) async throws {
        let credentials = StoredCredentials(environment: context.environment)
        let hosts = all ? try credentials.registries() : [try context.registryHost(host)]
        var forgotten: [RegistryHost] = []
        for host in hosts {
            if try await credentials.erase(host) { forgotten.append(host) }
            for path in try credentials.otherPlaces(of: host) {
                output.note("note: \"\(path)\" still has credentials for \(host)", in: context)
            }
        }
        if forgotten.isEmpty {
            output.note(
                all ? "note: there are none" : "note: there are none for \(hosts[0])", in: context)
        }
        try output.print(LogoutResult(registries: forgotten.map(\.description)), in: context)
    }
}

private struct LogoutResult: CommandResult {
    let registries: [String]

    var text: String { registries.map { "logged out of \($0)" }.joined(separator: "\n") }
    var brief: String { registries.joined(separator: "\n") }
}
