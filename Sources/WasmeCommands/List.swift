// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import OCI
import OCILayout

/// `wasme list`.
struct List: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the images in the local store, or those that a registry has.",
        discussion: """
            Examples:
              wasme list
              wasme list 'localhost:5000/acme/*'
              wasme list add-header --format json
              wasme list --all
              wasme list --published --search header --registry localhost:5000
              wasme list --published --sort newest
            """)

    @Argument(
        help: ArgumentHelp(
            "Only images of this name, with or without the tag; * stands for anything.", valueName: "name"))
    var pattern: String?

    @Flag(help: "Show images without a name, too: what had one before, and what belongs to another image.")
    var all = false

    @Flag(help: "List what a registry has, each repository with its newest tag.")
    var published = false

    @Option(help: ArgumentHelp("With --published: words that must all fit.", valueName: "words"))
    var search: String?

    @OptionGroup var place: PublishedOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !published, search != nil || place.registry != nil || place.sort != nil {
            throw ValidationError("--search, --sort and --registry are of use with --published only")
        }
        if published, all || pattern != nil {
            throw ValidationError("--all and a name choose among the images here, not with --published")
        }
    }

    func run(in context: CommandContext) async throws {
        if published {
            let found = try await place.find(search ?? "", access: access, output: output, in: context)
            return try output.print(found, in: context)
        }
        var images = try store.open(in: context).list(all: all)
        if let pattern { images.removeAll { !$0.isCalled(pattern) } }
        for image in images where image.facts == nil {
            output.note(
                "image \(image.name ?? image.descriptor.digest.description) is damaged: pull or build it again",
                in: context)
        }
        try output.print(Result(images: images.map(Result.Image.init), pattern: pattern), in: context)
    }

    /// The images, in the order of their names.
    struct Result: CommandResult {
        struct Image: Encodable {
            let name: String?
            let tag: String?
            let digest: Digest
            /// Bytes of the configuration and all layers; nil if the manifest cannot be read.
            let size: Int64?
            let abiVersions: [String]
            /// When it was made, if it says so: an image that is the same however often it is built does not.
            let created: String?
            let storedAt: String?

            init(_ image: StoredImage) {
                name = image.reference?.name ?? image.name
                tag = image.reference?.tag?.name
                digest = image.descriptor.digest
                size = image.facts?.size
                abiVersions = image.facts?.abiVersions ?? []
                created = image.facts?.created
                storedAt = image.storedAt
            }
        }

        let images: [Image]
        /// What was asked for.
        let pattern: String?

        enum CodingKeys: CodingKey {
            case images
        }

        var text: String {
            guard !images.isEmpty else {
                if let pattern { return "no image is called \"\(pattern)\"; see 'wasme list'" }
                return "no images yet; see 'wasme build --help' and 'wasme pull --help'"
            }
            return table(
                ["NAME", "TAG", "DIGEST", "SIZE", "ABI", "CREATED", "STORED"],
                images.map { image in
                    [
                        image.name ?? "-", image.tag ?? "-",
                        "\(image.digest.algorithm.rawValue):\(image.digest.short)",
                        image.size.map(byteCount) ?? "?",
                        image.abiVersions.isEmpty ? "-" : image.abiVersions.joined(separator: ","),
                        minute(image.created), minute(image.storedAt),
                    ]
                })
        }

        /// Each digest once, so that `wasme rm` can be given them.
        var brief: String {
            var seen: Set<Digest> = []
            return images.map(\.digest).filter { seen.insert($0).inserted }.map(\.description)
                .joined(separator: "\n")
        }

        /// `2026-11-25T17:24:15Z` as a person reads it, to the minute.
        private func minute(_ time: String?) -> String {
            guard let time else { return "-" }
            return String(time.prefix(16).map { $0 == "T" ? " " : $0 })
        }
    }
}

extension StoredImage {
    /// Whether a pattern means this image: its name with or without the tag, or the beginning of its digest.
    fileprivate func isCalled(_ pattern: String) -> Bool {
        let names = [name, reference?.name].compactMap { $0 }
        return names.contains { fits($0[...], pattern[...]) }
            || (pattern.contains(":") && descriptor.digest.description.hasPrefix(pattern))
    }
}

/// Whether a text is what a pattern describes, in which `*` stands for any characters, also none.
private func fits(_ text: Substring, _ pattern: Substring) -> Bool {
    let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false)
    guard pieces.count > 1 else { return text == pattern }
    guard text.hasPrefix(pieces[0]), text.dropFirst(pieces[0].count).hasSuffix(pieces[pieces.count - 1])
    else {
        return false
    }
    var rest = text.dropFirst(pieces[0].count).dropLast(pieces[pieces.count - 1].count)
    for piece in pieces[1..<pieces.count - 1] {
        guard let found = rest.firstRange(of: piece) else { return false }
        rest = rest[found.upperBound...]
    }
    return true
}
