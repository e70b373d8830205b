// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Files
import FilterImage
import ImageTransfer
import OCI
import OCILayout
import SystemPackage

/// `wasme load`.
struct Load: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take images from archives into the local store.",
        discussion: """
            Reads what 'wasme save' wrote, and every other OCI image layout, in a tar \
            (gzip will do) or as a folder: of 'skopeo copy', umoci, podman and docker \
            (25 or later). Each blob is held against its digest; an archive with a \
            broken image is not taken at all. A name that is only a tag, as skopeo \
            and umoci write it, is put behind the file's own.

            --wasme-store takes the images of the original wasme's store, which \
            stays as it is; they keep their layout and their names.

            Examples:
              wasme load filters.tar
              ssh build wasme save add-header:v1 -o - | wasme load
              wasme load --wasme-store
            """)

    @Argument(help: ArgumentHelp("The archives or folders (default: standard input).", valueName: "file"))
    var files: [String] = []

    @Option(name: .shortAndLong, help: ArgumentHelp("One more archive or folder.", valueName: "file"))
    var input: [String] = []

    @Option(
        name: .customLong("wasme-store"), defaultAsFlag: "~/.wasme/store",
        help: ArgumentHelp("Load the store of the original wasme.", valueName: "dir"))
    var wasmeStore: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let places = try ImagePlaces(store, in: context)
        if let wasmeStore {
            guard files.isEmpty, input.isEmpty else {
                throw CommandError(
                    .usage, "--wasme-store and archives do not go together", hint: "use two commands")
            }
            return try await load(LegacyStore(context.path(wasmeStore)), places, in: context)
        }
        var names = input + files
        if names.isEmpty {
            guard !context.terminal.isInteractive else {
                throw CommandError(
                    .usage, "there is no archive to load", hint: "name a file, or write one to standard input"
                )
            }
            names = ["-"]
        }
        var results: [ImagesResult.Image] = []
        for name in names { results += try await load(name, places, in: context) }
        try output.print(ImagesResult("loaded", results), in: context)
    }

    private func load(
        _ name: String, _ places: ImagePlaces, in context: CommandContext
    ) async throws -> [ImagesResult.Image] {
        let path = name == "-" ? FilePath("/dev/stdin") : context.path(name)
        let blobs: any BlobAccess
        let index: LayoutIndex
        if Files.kind(path) == .directory {
            let layout = try ImageStore(reading: path)
            (blobs, index) = (layout, try places.layoutIndex(of: layout))
        } else {
            let archive = try ImageArchive(path, scratch: context.scratch)
            (blobs, index) = (archive, archive.index)
        }
        let stem = name == "-" ? nil : path.lastComponent?.string.split(separator: ".").first.map(String.init)
        var images: [NamedImage] = []
        for (digest, entries) in index.images {
            let names = entries.compactMap { Self.storedName($0.name, file: stem) }
            for entry in entries where entry.name != nil && Self.storedName(entry.name, file: stem) == nil {
                output.note(
                    "\"\(shown(entry.name))\" is no name here; the image is known as \(digest)", in: context)
            }
            let document = try await blobs.manifest(entries[0].descriptor)
            images.append((try await ImageTree(document, from: blobs), names))
        }
        guard !images.isEmpty else {
            throw CommandError(.failed, "there is no image in \"\(name)\"")
        }
        try await context.showing(.loading, quiet: output.quiet) { [images] transfer in
            try await places.copy(images, from: blobs, into: places.store, transfer)
        }
        return images.map { .init(references: $0.names, digest: $0.tree.root.digest) }
    }

    /// The name that an image gets here; nil if it cannot be called that.
    private static func storedName(_ name: String?, file: String?) -> String? {
        guard let name else { return nil }
        if name.contains("/") || name.contains(":") { return (try? Reference(name))?.stored }
        // A tag alone: what it is a tag of, only the file's name tells.
        guard let file, let repository = try? Repository(file), let tag = try? Tag(name) else { return nil }
        return Reference(registry: nil, repository: repository, tag: tag).stored
    }

    /// A foreign name, fit to be printed.
    private func shown(_ name: String?) -> String {
        String(
            (name ?? "").unicodeScalars.prefix(80).map {
                $0.value < 0x20 || $0.value > 0x7e ? "?" : Character($0)
            })
    }

    // MARK: - The original wasme

    private func load(
        _ legacy: LegacyStore, _ places: ImagePlaces, in context: CommandContext
    ) async throws {
        var results: [ImagesResult.Image] = []
        for entry in try legacy.entries() {
            do {
                let (reference, image) = try legacy.read(entry)
                let tree = try await ImageTree(image.document, from: image.access)
                try await context.showing(.loading, quiet: output.quiet) { transfer in
                    try await places.copy(
                        [(tree, [reference.stored])], from: image.access, into: places.store, transfer)
                }
                results.append(.init(references: [reference.stored], digest: image.document.digest))
            } catch let error as FilterImageError {
                output.note("warning: skipped: \(error)", in: context)
            }
        }
        guard !results.isEmpty else {
            throw CommandError(.failed, "there is no image to load in \"\(legacy.root)\"")
        }
        try output.print(ImagesResult("loaded", results), in: context)
    }
}
