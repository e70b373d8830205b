// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ArgumentParser
import ImageTransfer
import OCI
import OCILayout
import OCIRegistry

/// How a command reaches a registry.
package struct RegistryAccessOptions: ParsableArguments {
    @Flag(help: "Speak HTTP without TLS (hosts on this machine are tried so without being told).")
    package var plainHttp = false

    @Flag(help: "Accept any server certificate.")
    package var insecure = false

    package init() {}

    /// A client for the registry that a reference names.
    func client(for reference: Reference, in context: CommandContext) throws -> RegistryClient {
        guard let host = reference.registry else {
            throw CommandError(
                .usage, "\"\(reference)\" names no registry",
                hint: "give it a name with a host, 'wasme tag \(reference) localhost:5000/\(reference)', "
                    + "or set WASM_IMAGE_REGISTRY")
        }
        return RegistryClient(
            host: host, transport: context.makeTransport(),
            options: RegistryOptions(plainHTTP: plainHttp ? true : nil, insecure: insecure),
            credentials: DockerCredentials(environment: context.environment))
    }

    /// Moves an image between a store and the registry that its reference names, showing how far it is.
    func transfer(
        _ action: TransferAction, _ reference: Reference, store: ImageStore, quiet: Bool,
        in context: CommandContext,
        _ move: (ImageTransfer) async throws -> ManifestDocument
    ) async throws -> ManifestDocument {
        let client = try client(for: reference, in: context)
        let display = TransferDisplay(action, quiet: quiet, terminal: context.terminal)
        // Cleared also before an error is printed.
        defer { display.finish() }
        return try await move(ImageTransfer(store: store, client: client) { display.show($0) })
    }
}
