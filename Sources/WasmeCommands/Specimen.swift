// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import FilterImage
import FilterInspection
import FilterProject
import HostProfiles
import OCI
import OCILayout
import OCIRegistry
import SystemPackage
import WasmBinary
import WasmeTemplates

/// What a command line names to be looked at: a file, a project or an image.
enum Specimen {
    /// The bytes of a file, whatever they are.
    case file(name: String, bytes: [UInt8])
    case project(FilterProject)
    case image(Reference)

    /// The largest file that is read.
    private static let limit = 512 << 20

    /// Finds out what is meant: what exists as a path is that, and all else is an image.
    static func find(_ text: String, in context: CommandContext) throws -> Specimen {
        if text == "-" {
            let bytes = try Files.read(FilePath("/dev/stdin"), limit: limit)
            return .file(name: "standard input", bytes: bytes)
        }
        let path = context.path(text)
        switch Files.kind(path) {
        case .directory?: return .project(try FilterProject.find(from: path))
        case .some:
            return .file(name: text, bytes: try Files.read(path, limit: limit))
        case nil:
            let isPath = text.isEmpty || text.hasPrefix("/") || text.hasPrefix(".") || text.hasPrefix("~")
            guard !isPath, !text.hasSuffix(".wasm") else {
                throw CommandError(
                    .usage, "there is no file or folder \"\(text)\"",
                    hint:
                        "name a .wasm file, a project's folder, or an image, as in localhost:5000/acme/add-header:v1"
                )
            }
            return .image(try context.reference(text))
        }
    }
}

/// An image that a command looks at, wherever it is.
struct FoundImage {
    let reference: Reference
    let document: ManifestDocument
    let blobs: any BlobAccess

    /// Takes the image out of the local store; else asks its registry, and leaves the store as it is.
    static func find(
        _ reference: Reference, store options: StoreOptions, access: RegistryAccessOptions,
        in context: CommandContext
    ) async throws -> FoundImage {
        let store = try options.open(in: context)
        do {
            let document = try store.manifest(try store.resolve(reference))
            return FoundImage(reference: reference, document: document, blobs: StoreBlobs(store))
        } catch let error as StoreError where error.code == .unknownImage && reference.registry != nil {
            let client = try access.client(for: reference, in: context)
            return FoundImage(
                reference: reference,
                document: try await client.manifest(reference.repository, reference.target),
                blobs: RegistryBlobs(client, reference.repository))
        }
    }
}

extension FilterProject {
    /// Builds the project for a command that shows what came of it.
    func build(
        checks: Bool, in context: CommandContext, progress: @escaping @Sendable (String) -> Void
    ) async throws -> BuiltFilter {
        try await ProjectBuild(self).run(
            BuildContext(
                environment: context.environment,
                catalog: try TemplateCatalog.find(environment: context.environment),
                progress: progress), checks: checks)
    }
}
