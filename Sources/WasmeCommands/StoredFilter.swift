// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FilterImage
import ImageTransfer
import OCI
import OCILayout

/// A filter on this machine, ready to be deployed.
struct StoredFilter {
    /// The image, as the user wrote it.
    let place: ImagePlace
    /// What it is called, if it has a name.
    let reference: Reference?
    /// The manifest's digest.
    let digest: Digest
    let content: FilterContent
    /// The image's manifest, or the index that leads to it.
    let document: ManifestDocument
    /// Where the rest of it is.
    let blobs: any BlobAccess

    /// What a deployment is called if the user does not say.
    var name: String {
        content.metadata.name ?? reference?.repository.path.split(separator: "/").last.map(String.init)
            ?? "filter"
    }

    /// Takes the image from where it is; one of a registry is pulled first.
    static func load(
        _ place: ImagePlace, store options: StoreOptions, access: RegistryAccessOptions, quiet: Bool,
        in context: CommandContext
    ) async throws -> StoredFilter {
        let places = try ImagePlaces(options, access, in: context)
        let found = try await places.find(place, .storeFirst)
        var (document, blobs) = (found.document, found.blobs)
        if blobs.isRemote, let reference = found.reference {
            document = try await context.showing(.pulling, quiet: quiet) { transfer in
                try await places.pull(reference, as: reference.stored, transfer)
            }
            blobs = places.store
        }
        return StoredFilter(
            place: place, reference: found.reference, digest: document.digest,
            content: try await FilterImage.unpack(document, from: blobs), document: document, blobs: blobs)
    }

    /// Holds a configuration against the schema that the image carries.
    func check(_ configuration: String?) throws {
        try checkConfiguration(configuration, schema: content.configSchema, of: "\(place)")
    }
}

/// Holds a filter's configuration against its schema; without a schema anything goes.
///
/// No configuration counts as an empty one: a schema that requires something does not take it.
/// - Throws: `CommandError` of usage that says what does not fit.
func checkConfiguration(_ configuration: String?, schema: [UInt8]?, of name: String) throws {
    guard let schema else { return }
    let violations: [ConfigSchema.Violation]
    do {
        violations = try ConfigSchema(bytes: schema).validate(json: configuration ?? "{}")
    } catch {
        throw CommandError(
            .usage, "cannot check the configuration against the schema of \"\(name)\": \(error.message)",
            hint: error.hint ?? "the configuration must be JSON, as in --config '{\"key\": \"value\"}'")
    }
    guard !violations.isEmpty else { return }
    let list = violations.map { "\($0)" }.joined(separator: "; ")
    guard configuration != nil else {
        throw CommandError(
            .usage, "\"\(name)\" needs a configuration: \(list)",
            hint: "add --config with JSON, or @ and a file with it")
    }
    throw CommandError(
        .usage, "the configuration does not fit the schema of \"\(name)\": \(list)",
        hint: "correct --config; the schema is config.schema.json of the filter's project")
}
