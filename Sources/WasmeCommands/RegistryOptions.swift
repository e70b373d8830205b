// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Diagnostics
import OCI
import OCIRegistry

/// How a command reaches a registry, and as whom.
package struct RegistryAccessOptions: ParsableArguments {
    @Flag(help: "Speak HTTP without TLS (hosts on this machine are tried so without being told).")
    package var plainHttp = false

    @Flag(help: "Accept any server certificate.")
    package var insecure = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Who to be there, in place of whom 'wasme login' was told.", valueName: "name"))
    package var username: String?

    @Flag(help: "Read the password from standard input.")
    package var passwordStdin = false

    @Option(help: ArgumentHelp("Trust this authority, too (PEM).", valueName: "file"))
    package var ca: String?

    @Option(help: ArgumentHelp("The certificate to show who we are (PEM).", valueName: "file"))
    package var cert: String?

    @Option(
        help: ArgumentHelp("The certificate's key, if it has a file of its own (PEM).", valueName: "file"))
    package var key: String?

    package init() {}

    package func validate() throws {
        if key != nil, cert == nil { throw ValidationError("--key needs --cert") }
    }

    /// A client for the registry that a reference names.
    func client(for reference: Reference, in context: CommandContext) throws -> RegistryClient {
        guard let host = reference.registry else {
            throw CommandError(
                .usage, "\"\(reference)\" names no registry",
                hint: "give it a name with a host, 'wasme tag \(reference) localhost:5000/\(reference)', "
                    + "or set WASM_IMAGE_REGISTRY")
        }
        return try client(for: host, in: context)
    }

    /// A client for a registry.
    func client(for host: RegistryHost, in context: CommandContext) throws -> RegistryClient {
        RegistryClient(
            host: host, transport: context.makeTransport(), options: try options(for: host, in: context),
            credentials: try credentials(for: host, in: context))
    }
}
