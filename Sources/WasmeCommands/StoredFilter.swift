// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FilterImage
import ImageTransfer
import OCI
import OCILayout

/// A filter of the local store, ready to be deployed.
struct StoredFilter {
    /// The name the user gave.
    let reference: Reference
    /// The manifest's digest.
    let digest: Digest
    let content: FilterContent

    /// What a deployment is called if the user does not say.
    var name: String {
        content.metadata.name ?? reference.repository.path.split(separator: "/").last.map(String.init)
            ?? "filter"
    }

    /// Takes the image out of the store; one that is not there is pulled.
    static func load(
        _ reference: Reference, store options: StoreOptions, access: RegistryAccessOptions,
        quiet: Bool,
        in context: CommandContext
    ) async throws -> StoredFilter {
        let store = try options.open(in: context)
        let document: ManifestDocument
        do {
            document = try store.manifest(try store.resolve(reference))
        } catch let error as StoreError where error.code == .unknownImage && reference.registry != nil {
            document = try await access.transfer(
                .pulling, reference, store: store, quiet: quiet, in: context
            ) { try await $0.pull(reference) }
        }
        return StoredFilter(
            reference: reference, digest: document.digest,
            content: try FilterImage.unpack(document, from: store))
    }

    /// Holds a configuration against the schema that the image carries; without a schema anything goes.
    ///
    /// No configuration counts as an empty one: a schema that requires something does not take it.
    func check(_ configuration: String?) throws {
        guard let bytes = content.configSchema else { return }
        let violations: [ConfigSchema.Violation]
        do {
            violations = try ConfigSchema(bytes: bytes).validate(json: configuration ?? "{}")
        } catch {
            throw CommandError(
                .usage,
                "cannot check the configuration against the schema of \"\(reference)\": \(error.message)",
                hint: error.hint ?? "the configuration must be JSON, as in --config '{\"key\": \"value\"}'")
        }
        guard !violations.isEmpty else { return }
        let list = violations.map { "\($0)" }.joined(separator: "; ")
        guard configuration != nil else {
            throw CommandError(
                .usage, "\"\(reference)\" needs a configuration: \(list)",
                hint: "add --config with JSON, or @ and a file with it")
        }
        throw CommandError(
            .usage, "the configuration does not fit the schema of \"\(reference)\": \(list)",
            hint: "correct --config; the schema is config.schema.json of the filter's project")
    }
}
