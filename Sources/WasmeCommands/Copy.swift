// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Files
import FilterImage
import ImageTransfer
import OCI
import OCILayout
import SystemPackage

/// `wasme copy`.
struct Copy: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy an image between any two places, or into another layout.",
        discussion: """
            A place is an image in a registry (host/path:tag), one in the local \
            store (a name without a host, or store:REF), an OCI image layout in a \
            folder (oci:DIR[:NAME]), or one in a tar file (oci-archive:FILE[:NAME]). \
            Between registries nothing is kept here, and what the other side has is \
            not sent.

            An image is copied byte for byte and keeps its digest; an index is copied \
            with all its images. --variant makes a new image of the same filter: \
            compat, which proxies and registries take; artifact, the original \
            wasme's; cncf, for wkg and other runtimes.

            Examples:
              wasme copy ghcr.io/acme/add-header:v1 localhost:5000/acme/add-header:v1
              wasme copy add-header:v1 oci:layout:v1
              wasme copy oci-archive:add-header.tar localhost:5000/acme/add-header:v1
              wasme copy ghcr.io/acme/old:v1 localhost:5000/acme/new:v1 --variant compat
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "src"))
    var source: String

    @Argument(help: ArgumentHelp("Where it goes.", valueName: "dst"))
    var destination: String

    @Option(help: ArgumentHelp("Make it an image of this layout.", valueName: "compat|artifact|cncf"))
    var variant: ImageVariant?

    @Flag(help: "Copy also what is attached to it: signatures, SBOMs and the like.")
    var referrers = false

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard variant == nil || !referrers else {
            throw ValidationError(
                "--referrers and --variant do not go together: what is attached belongs to the old digest")
        }
    }

    func run(in context: CommandContext) async throws {
        let destination = try context.place(destination)
        let places = try ImagePlaces(store, access, in: context)
        let found = try await places.find(try context.place(source), .registryFirst)
        var blobs = found.blobs
        var document = found.document
        if let variant {
            let content = try await FilterImage.unpack(document, from: blobs)
            let image = try FilterImage.compose(content, as: variant)
            (document, blobs) = (image.document, image.access)
            for name in FilterImage.leftOut(content, in: variant) {
                output.note("warning: \(name) is left out: \(variant) has no place for it", in: context)
            }
            if document.digest != found.document.digest {
                output.note("the digest changes from \(found.document.digest)", in: context)
            }
        }
        let tree = try await ImageTree(document, from: blobs, referrers: referrers)
        let name = try await context.showing(.copying, quiet: output.quiet) { transfer in
            try await copy(tree, of: found, from: blobs, to: destination, places, transfer, in: context)
        }
        try output.print(
            Result(source: found.name, references: [name], digest: document.digest), in: context)
    }

    /// - Returns: what the image is called there.
    private func copy(
        _ tree: ImageTree, of found: FoundImage, from blobs: any BlobAccess, to destination: ImagePlace,
        _ places: ImagePlaces, _ transfer: ImageTransfer, in context: CommandContext
    ) async throws -> String {
        func check(_ digest: Digest?) throws {
            guard let digest, digest != tree.root.digest else { return }
            throw CommandError(
                .failed,
                "cannot copy \"\(found.name)\" to \"\(destination)\": its digest is \(tree.root.digest)",
                hint: "leave out the part from @ on, or name another source")
        }
        switch destination {
        case .named(let reference) where reference.registry != nil, .registry(let reference):
            try check(reference.digest)
            let tags = reference.tags
            try await places.copy(
                (tree, tags), from: blobs, to: places.client(for: reference), reference.repository, transfer)
            return reference.stored
        case .named(let reference), .store(let reference):
            try check(reference.digest)
            try await places.copy([(tree, [reference.stored])], from: blobs, into: places.store, transfer)
            return reference.stored
        case .layout(let folder, let name):
            try check(name.digest)
            let names = [name.name ?? found.fullName].compactMap(\.self)
            try await places.copy(
                [(tree, names)], from: blobs, into: ImageStore(context.path(folder)), transfer)
            return "oci:\(folder)\(names.first.map { ":\($0)" } ?? "")"
        case .archive(let file, let name):
            try check(name.digest)
            let names = [name.name ?? found.fullName].compactMap(\.self)
            try await Save.write(to: context.path(file)) { sink in
                try await places.archive([((tree, names), blobs)], to: sink, transfer)
            }
            return "oci-archive:\(file)\(names.first.map { ":\($0)" } ?? "")"
        }
    }

    /// What was copied.
    struct Result: CommandResult {
        /// As the user wrote it.
        let source: String
        let references: [String]
        let digest: Digest

        var text: String { "copied \(source) to \(references.joined(separator: ", "))\n\(digest)" }
        var brief: String { digest.description }
    }
}

extension ImageVariant: ExpressibleByArgument {}

extension Reference {
    /// The tags that an image gets in its repository; none for one that is known by its digest alone.
    var tags: [String] {
        if let tag { return [tag.name] }
        return digest == nil ? [Tag.latest.name] : []
    }
}
