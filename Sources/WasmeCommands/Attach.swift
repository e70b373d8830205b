// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Files
import Foundation
import ImageTransfer
import OCI
import OCILayout
import SystemPackage

/// `wasme attach`.
struct Attach: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Attach files, such as a bill of materials, to an image.",
        discussion: """
            The files become an artifact beside the image, which stays as it is: \
            'wasme discover' finds it, and so do other tools that know OCI 1.1. In a \
            registry without the referrers API the artifact is listed under the tag \
            sha256-…, as the specification has it.

            A name with a host is looked for in that registry; store:REF means the \
            image of that name in the local store, and oci:DIR:NAME one in an OCI \
            image layout.

            The media type of a file follows from its name, or is written behind it.

            Examples:
              wasme attach localhost:5000/acme/add-header:v1 sbom.spdx.json \\
                --type application/spdx+json
              wasme attach add-header:v1 report.txt:text/plain \\
                --type application/vnd.acme.review --annotation by=me
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "ref"))
    var reference: String

    @Argument(help: ArgumentHelp("The files, each with its media type if need be.", valueName: "file[:type]"))
    var files: [String] = []

    @Option(help: ArgumentHelp("What the artifact is.", valueName: "media-type"))
    var type: String

    @Option(help: ArgumentHelp("Says something of the artifact; may be repeated.", valueName: "key=value"))
    var annotation: [String] = []

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard !files.isEmpty || !annotation.isEmpty else {
            throw ValidationError("there is nothing to attach: name a file, or add an --annotation")
        }
    }

    func run(in context: CommandContext) async throws {
        let type = try Self.mediaType(type, of: "--type")
        let files = try files.map { try file($0, in: context) }
        let annotations = try annotations(in: context)
        let place = try await ArtifactPlace(reference, store: store, access: access, in: context)
        let artifact = try Artifact(
            type: type, about: place.image.descriptor, files, annotations: annotations)
        switch place.home {
        case .store(let store): try await artifact.add(to: try ImageStore(store.root))
        case .registry(let client, let repository):
            let journal = try FileUploadJournal(context.home().appending("uploads"))
            let display = TransferDisplay(.pushing, quiet: output.quiet, terminal: context.terminal)
            // Cleared also before an error is printed.
            defer { display.finish() }
            try await artifact.push(to: client, repository, journal: journal) { display.show($0) }
        }
        try output.print(
            Result(
                artifactType: type, digest: artifact.document.digest, image: reference,
                subject: place.image.digest), in: context)
    }

    /// A file as the user wrote it, `PATH` or `PATH:TYPE`.
    private func file(_ text: String, in context: CommandContext) throws -> Artifact.File {
        var path = context.path(text)
        var type = Self.type(ofName: text)
        // A name may have a colon itself.
        if Files.kind(path) == nil, let colon = text.lastIndex(of: ":") {
            path = context.path(String(text[..<colon]))
            type = try Self.mediaType(String(text[text.index(after: colon)...]), of: "\"\(text)\"")
        }
        guard Files.kind(path) != .directory else {
            throw CommandError(
                .usage, "\"\(path)\" is a folder", hint: "attach files, or an archive of the folder")
        }
        return try Artifact.File(path, mediaType: type)
    }

    /// `type/subtype` (RFC 6838 §4.2).
    private static func mediaType(_ text: String, of what: String) throws -> MediaType {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let isName =
            parts.count == 2
            && parts.allSatisfy { part in
                guard let first = part.utf8.first, part.utf8.count <= 127 else { return false }
                return Character(Unicode.Scalar(first)).isLetter || Character(Unicode.Scalar(first)).isNumber
            }
        let isPlain = text.utf8.allSatisfy { byte in
            "!#$&-^_.+/".utf8.contains(byte) || (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
                || (0x61...0x7a).contains(byte)
        }
        guard isName, isPlain else {
            throw CommandError(
                .usage, "the media type \"\(text)\" of \(what) is none",
                hint: "write type/subtype, as in application/spdx+json")
        }
        return MediaType(rawValue: text)
    }

    private static func type(ofName name: String) -> MediaType {
        let known = [
            ".spdx.json": "application/spdx+json", ".cdx.json": "application/vnd.cyclonedx+json",
            ".intoto.jsonl": "application/vnd.in-toto+json", ".sarif": "application/sarif+json",
            ".json": "application/json", ".yaml": "application/yaml", ".yml": "application/yaml",
            ".xml": "application/xml", ".txt": "text/plain", ".md": "text/markdown", ".html": "text/html",
            ".pem": "application/x-pem-file", ".wasm": "application/wasm", ".tar": "application/x-tar",
            ".gz": "application/gzip", ".tgz": "application/gzip", ".zip": "application/zip",
            ".png": "image/png", ".svg": "image/svg+xml",
        ]
        let name = name.lowercased()
        let longest = known.filter { name.hasSuffix($0.key) }.max { $0.key.count < $1.key.count }
        return longest.map { MediaType(rawValue: $0.value) } ?? .octetStream
    }

    private static let created = "org.opencontainers.image.created"

    /// The user's, and when the artifact was made: `SOURCE_DATE_EPOCH`, else now.
    private func annotations(in context: CommandContext) throws -> [String: String] {
        let epoch = context.environment["SOURCE_DATE_EPOCH"].flatMap { TimeInterval($0) }
        let made = epoch.map { Date(timeIntervalSince1970: $0) } ?? Date()
        var result = [Self.created: made.formatted(.iso8601)]
        for text in annotation {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw CommandError(
                    .usage, "the annotation \"\(text)\" has no key and value", hint: "write key=value")
            }
            result[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return result
    }

    struct Result: CommandResult {
        let artifactType: MediaType
        let digest: Digest
        /// As the user wrote it.
        let image: String
        /// What the image is.
        let subject: Digest

        var text: String { "attached \(artifactType) to \(image)\n\(digest)" }
        var brief: String { digest.description }
    }
}
