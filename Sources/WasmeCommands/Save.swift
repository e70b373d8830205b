// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Files
import ImageTransfer
import OCI
import SystemPackage

/// `wasme save`.
struct Save: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write images of the local store to one archive.",
        discussion: """
            The archive is an OCI image layout in a tar, for machines without a \
            network: 'wasme load', skopeo, podman and docker read it. The same images \
            under the same names give the same bytes.

            Examples:
              wasme save add-header:v1 localhost:5000/acme/auth:v2 -o filters.tar
              wasme save add-header:v1 -o - | ssh edge wasme load
              wasme save add-header:v1 --referrers -o signed.tar
            """)

    @Argument(help: ArgumentHelp("The images.", valueName: "ref"))
    var references: [String]

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("The archive; - is standard output.", valueName: "file"))
    var file: String

    @Flag(help: "Save also what is attached to them: signatures, SBOMs and the like.")
    var referrers = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        if file == "-", context.terminal.outputIsTerminal {
            throw CommandError(
                .usage, "an archive is not written to a terminal",
                hint: "name a file with -o, or write to a pipe")
        }
        let places = try ImagePlaces(store, in: context)
        var images: [(image: NamedImage, source: any BlobAccess)] = []
        for text in references {
            let found = try await places.find(try context.place(text), .store)
            let tree = try await ImageTree(found.document, from: found.blobs, referrers: referrers)
            images.append(((tree, [found.fullName].compactMap(\.self)), found.blobs))
        }
        try await context.showing(.saving, quiet: output.quiet) { [images] transfer in
            if file == "-" {
                try await places.archive(images, to: OutputSink(context.terminal), transfer)
            } else {
                try await Self.write(to: context.path(file)) { sink in
                    try await places.archive(images, to: sink, transfer)
                }
            }
        }
        // The archive is the result then.
        guard file != "-" else { return }
        try output.print(
            ImagesResult(
                "saved",
                images.map { .init(references: $0.image.names, digest: $0.image.tree.root.digest) }),
            in: context)
    }

    /// Writes a file whole or not at all.
    static func write(to path: FilePath, _ body: (any ByteSink) async throws -> Void) async throws {
        switch Files.kind(path) {
        case .file?, nil: break
        case .directory?: throw CommandError(.usage, "\"\(path)\" is a folder", hint: "name a file in it")
        case .other?:
            // A device or a pipe would be replaced by a file.
            throw CommandError(.usage, "\"\(path)\" is no file", hint: "write to standard output with -o -")
        }
        let draft = path.removingLastComponent().appending(
            ".\(path.lastComponent?.string ?? "")-\(Files.randomName())")
        let sink = try FileSink(draft)
        try await body(sink)
        try sink.finish()
        do {
            try Files.rename(draft, to: path)
        } catch {
            try? Files.remove(draft)
            throw error
        }
    }
}

/// Standard output as a place for bytes.
private final class OutputSink: ByteSink {
    private let terminal: Terminal

    init(_ terminal: Terminal) { self.terminal = terminal }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try terminal.writeBytes(bytes) }
}
