// SPDX-License-Identifier: Apache-2.0

import OCI

/// Holds an image against what a host's fetcher takes.
package struct ImageChecker: Sendable {
    private let image: ImageFacts
    private let profile: HostProfile
    private let rules: ImageRules
    private var findings: [Finding] = []

    /// Checks an image; a host that fetches none gets a note.
    package static func check(_ image: ImageFacts, against profile: HostProfile) -> [Finding] {
        guard let rules = profile.image else {
            return [
                Finding(
                    .note, .noImages, "the image",
                    "the host fetches no images: it reads the module from a file or over HTTP",
                    fix: "take the module out of the image, as 'wasme deploy' does", sources: profile.sources)
            ]
        }
        var checker = ImageChecker(image: image, profile: profile, rules: rules)
        checker.run()
        return checker.findings
    }

    private init(image: ImageFacts, profile: HostProfile, rules: ImageRules) {
        self.image = image
        self.profile = profile
        self.rules = rules
    }

    private static let compatFix =
        "push a compat image, which 'wasme build' makes of the project or, by build.command, of a finished module"
    private static let artifactFix =
        "push the layout of the original wasme: a runtime-config.json layer and a raw module layer, no others"

    private var fix: String { rules.layouts.contains(.compat) ? Self.compatFix : Self.artifactFix }

    private mutating func add(
        _ severity: Finding.Severity, _ rule: Rule, _ subject: String, _ message: String
    ) {
        findings.append(Finding(severity, rule, subject, message, fix: fix, sources: profile.sources))
    }

    private mutating func run() {
        let digest = image.document.digest
        if digest.algorithm != .sha256 {
            add(
                .error, .imageDigest, "manifest \(digest)",
                "\(rules.fetcher) checks a manifest by its sha256; this one's digest is a \(digest.algorithm)"
            )
        }
        checkSize()
        switch image.document.content {
        case .index(let index): check(index)
        case .manifest(let manifest): check(manifest)
        }
    }

    private mutating func checkSize() {
        guard let size = image.moduleSize else { return }
        if let limit = rules.maximumModule, size > limit {
            add(
                .error, .imageSize, "the module",
                "the module has \(ModuleChecker.size(UInt64(size))); \(rules.fetcher) takes at most \(ModuleChecker.size(UInt64(limit)))"
            )
        } else if let limit = rules.maximumCache, size > limit {
            add(
                .error, .imageSize, "the module",
                "the module has \(ModuleChecker.size(UInt64(size))); \(rules.fetcher) keeps at most \(ModuleChecker.size(UInt64(limit))) of all modules"
            )
        }
    }

    private mutating func check(_ index: Index) {
        let platforms = index.manifests.compactMap(\.platform).map { "\($0.os)/\($0.architecture)" }
        // A child without a platform counts as the fetcher's default one (go-containerregistry, remote.Descriptor).
        let fits = index.manifests.contains { child in
            child.platform.map { "\($0.os)/\($0.architecture)" == rules.platform } ?? true
        }
        if fits {
            add(
                .warning, .imageIndex, "the index",
                "the image is an index; \(rules.fetcher) takes its child for \(rules.platform), whatever the machine, and the digest to pin is that child's"
            )
        } else {
            add(
                .error, .imageIndex, "the index",
                "the image is an index for \(platforms.isEmpty ? "nothing" : platforms.joined(separator: ", ")); \(rules.fetcher) looks for \(rules.platform)"
            )
        }
    }

    private mutating func check(_ manifest: Manifest) {
        // As the fetchers do: what the document says of itself decides, not how it was delivered.
        if manifest.mediaType == .dockerManifest {
            guard rules.layouts.contains(.docker) else { return refuse(manifest) }
            return checkTar(manifest, wanted: .dockerLayerTarGzip)
        }
        if rules.layouts.contains(.compat), manifest.layers.last?.mediaType == .imageLayerTarGzip {
            return checkTar(manifest, wanted: .imageLayerTarGzip)
        }
        if isArtifact(manifest), rules.layouts.contains(.artifact) { return }
        refuse(manifest)
    }

    private func isArtifact(_ manifest: Manifest) -> Bool {
        guard manifest.layers.contains(where: { $0.mediaType == .wasmeContent }) else { return false }
        return manifest.layers.count == 2
            || (rules.artifactMayHaveMoreLayers == true && manifest.layers.count > 2)
    }

    private mutating func checkTar(_ manifest: Manifest, wanted: MediaType) {
        guard let last = manifest.layers.last else {
            return add(.error, .imageLayer, "the layers", "the image has no layer")
        }
        guard last.mediaType == wanted else {
            return add(
                .error, .imageLayer, "layer \(last.digest)",
                "\(rules.fetcher) takes the module out of the last layer, which must be \"\(wanted)\" and is \"\(last.mediaType)\""
            )
        }
        guard let files = image.lastLayerFiles else { return }
        if !files.contains(where: ImageFacts.isModule) {
            let there = files.filter { $0.hasSuffix(".wasm") }
            add(
                .error, .imageModule, "layer \(last.digest)",
                "the last layer holds no file \(ImageFacts.moduleFile)"
                    + (there.isEmpty ? "" : ", but \(there.map { "\"\($0)\"" }.joined(separator: ", "))"))
        }
    }

    /// Says what the image is, for what it is not.
    private mutating func refuse(_ manifest: Manifest) {
        let types = manifest.layers.map(\.mediaType)
        let last = types.last?.rawValue ?? ""
        let what: String
        if types.isEmpty {
            what = "it has no layer"
        } else if types.contains(.wasmeContent) {
            what =
                rules.layouts.contains(.artifact)
                ? "an artifact must have exactly 2 layers and has \(types.count)"
                : "it is an artifact of the original wasme"
        } else if types.contains(MediaType(rawValue: "application/wasm")) {
            what = "it is an artifact of the CNCF's kind, with the module as \"application/wasm\""
        } else if types.contains(MediaType(rawValue: "application/vnd.wasm.content.layer.v1+wasm")) {
            what = "it is an artifact as wasm-to-oci, kwctl and spin make it"
        } else if last.hasSuffix("+zstd") {
            what = "its last layer is compressed with zstd, not with gzip"
        } else if last.hasSuffix(".tar") {
            what = "its last layer is a tar that is not compressed with gzip"
        } else {
            what = "its last layer is \"\(last)\""
        }
        let taken = rules.layouts.map(Self.words).joined(separator: "; ")
        add(
            .error, .imageLayout, "the image",
            "\(rules.fetcher) cannot take the image: \(what); what it takes: \(taken)")
    }

    private static func words(_ layout: ImageRules.Layout) -> String {
        switch layout {
        case .docker: "a Docker image whose last layer holds \(ImageFacts.moduleFile)"
        case .compat: "an OCI image whose last layer, a tar with gzip, holds \(ImageFacts.moduleFile)"
        case .artifact: "the original wasme artifact with its two layers"
        }
    }
}
