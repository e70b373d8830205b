// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import ImageTransfer
import OCI
import OCIRegistry

/// `wasme discover`.
struct Discover: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what is attached to an image, and to that, as a tree.",
        discussion: """
            Signatures, bills of materials and all else that names the image as its \
            subject, with digest, type, size and age.

            A name with a host is looked for in that registry; store:REF means the \
            image of that name in the local store, and oci:DIR:NAME one in an OCI \
            image layout.

            Examples:
              wasme discover localhost:5000/acme/add-header:v1
              wasme discover add-header:v1 --type application/spdx+json -q
              wasme discover oci:layout:v1 --format json
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "ref"))
    var reference: String

    @Option(help: ArgumentHelp("Only what is of this type.", valueName: "media-type"))
    var type: String?

    @Option(help: ArgumentHelp("How many steps to follow.", valueName: "n"))
    var depth = 8

    @Flag(name: .shortAndLong, help: "Show annotations, too.")
    var verbose = false

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard depth > 0 else { throw ValidationError("--depth must be 1 or more") }
    }

    func run(in context: CommandContext) async throws {
        let place = try await ArtifactPlace(reference, store: store, access: access, in: context)
        let tree = try await ReferrerTree(
            of: place.image, from: place.referrers, type: type.map { MediaType(rawValue: $0) }, depth: depth)
        let stale = tree.staleCount
        if stale > 0 {
            output.note(
                "note: \(stale) listed \(stale == 1 ? "artifact is" : "artifacts are") gone, or about something else",
                in: context)
        }
        try output.print(
            DiscoverResult(reference: reference, tree: tree, verbose: verbose, now: Date()), in: context)
    }
}

extension ReferrerTree {
    /// How many listed artifacts are none, in all of the tree.
    fileprivate var staleCount: Int { referrers.reduce(stale.count) { $0 + $1.staleCount } }
}

/// A manifest with what refers to it.
struct DiscoverResult: CommandResult {
    /// What the tree says of one artifact.
    struct Artifact: Encodable {
        let digest: Digest
        let mediaType: MediaType
        let artifactType: MediaType?
        /// Bytes of its content.
        let size: Int64
        /// When it was made, if it says so.
        let created: String?
        let annotations: [String: String]
        let referrers: [Artifact]

        init(_ tree: ReferrerTree) {
            let referrer = tree.manifest.referrer
            digest = referrer.digest
            mediaType = referrer.mediaType
            artifactType = referrer.artifactType
            size =
                switch tree.manifest.content {
                case .manifest(let manifest): manifest.layers.reduce(0) { $0 + $1.size }
                case .index: referrer.size
                }
            annotations = referrer.annotations ?? [:]
            created = annotations["org.opencontainers.image.created"]
            referrers = tree.referrers.map { Artifact($0) }
        }
    }

    let reference: String
    let digest: Digest
    let mediaType: MediaType
    let referrers: [Artifact]
    private let verbose: Bool
    private let now: Date

    enum CodingKeys: CodingKey {
        case reference
        case digest
        case mediaType
        case referrers
    }

    init(reference: String, tree: ReferrerTree, verbose: Bool, now: Date) {
        self.reference = reference
        digest = tree.manifest.digest
        mediaType = tree.manifest.mediaType
        referrers = tree.referrers.map { Artifact($0) }
        self.verbose = verbose
        self.now = now
    }

    var brief: String {
        func digests(_ artifacts: [Artifact]) -> [String] {
            artifacts.flatMap { [$0.digest.description] + digests($0.referrers) }
        }
        return digests(referrers).joined(separator: "\n")
    }

    var text: String {
        let lines = lines(of: referrers, indent: "")
        let head = [reference, digest.description]
        return (head + (lines.isEmpty ? ["nothing is attached"] : lines)).joined(separator: "\n")
    }

    private func lines(of artifacts: [Artifact], indent: String) -> [String] {
        artifacts.enumerated().flatMap { number, artifact -> [String] in
            let isLast = number == artifacts.count - 1
            let below = indent + (isLast ? "   " : "│  ")
            var words = [artifact.digest.description, "\(artifact.artifactType ?? artifact.mediaType)"]
            words.append(byteCount(artifact.size))
            if let age = artifact.created.flatMap({ age($0) }) { words.append(age) }
            let own = words.map { shownText($0, limit: 150) }.joined(separator: "  ")
            // Foreign words: none may move the cursor.
            let notes = artifact.annotations.sorted { $0.key < $1.key }.map {
                "\(below)\(artifact.referrers.isEmpty ? " " : "│") \(shownText("\($0.key): \($0.value)", limit: 300))"
            }
            return [indent + (isLast ? "└─ " : "├─ ") + own] + (verbose ? notes : [])
                + lines(of: artifact.referrers, indent: below)
        }
    }

    /// How long ago a time of RFC 3339 was; nil if it is none.
    private func age(_ text: String) -> String? {
        guard let time = try? Date(text, strategy: .iso8601) else { return nil }
        let seconds = Int(max(0, min(now.timeIntervalSince(time), 1e12)))
        let units = [
            (31_536_000, "year"), (2_592_000, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"),
        ]
        guard let (length, name) = units.first(where: { seconds >= $0.0 }) else { return "just now" }
        let count = seconds / length
        return "\(count) \(name)\(count == 1 ? "" : "s") ago"
    }
}
