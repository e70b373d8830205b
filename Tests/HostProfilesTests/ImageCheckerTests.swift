// SPDX-License-Identifier: Apache-2.0

import HostProfiles
import OCI
import Testing

@Suite struct ImageCheckerTests {
    let catalog: HostCatalog

    init() throws { catalog = try HostCatalog.bundled() }

    func layer(_ type: String) -> Descriptor {
        Descriptor(mediaType: MediaType(rawValue: type), digest: Digest(of: Array(type.utf8)), size: 1)
    }

    func image(_ layers: String..., mediaType: MediaType? = .imageManifest) throws -> ImageFacts {
        ImageFacts(
            try ManifestDocument(
                Manifest(mediaType: mediaType, config: layer("config"), layers: layers.map(layer))))
    }

    func check(_ image: ImageFacts, _ host: String = "istio") throws -> [Finding] {
        try ImageChecker.check(image, against: #require(catalog.profiles(for: HostTarget(host)).first))
    }

    static let tar = "application/vnd.oci.image.layer.v1.tar+gzip"
    static let dockerTar = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    static let raw = "application/vnd.module.wasm.content.layer.v1+wasm"
    static let config = "application/vnd.module.wasm.config.v1+json"

    @Test(arguments: ["istio", "envoy-gateway", "higress", "istio:1.12"])
    func `the three layouts are taken`(host: String) throws {
        #expect(try check(image("application/x", Self.tar), host).isEmpty)
        // The original wasme wrote no media type.
        #expect(try check(image(Self.config, Self.raw, mediaType: nil), host).isEmpty)
        #expect(try check(image(Self.dockerTar, mediaType: .dockerManifest), host).isEmpty)
    }

    /// Layers that no fetcher takes, with a part of the reason.
    static let refused: [([String], String)] = [
        ([raw], "exactly 2 layers and has 1"),
        ([config, raw, "text/markdown"], "exactly 2 layers and has 3"),
        (["application/wasm"], "the CNCF's kind"),
        (["application/vnd.wasm.content.layer.v1+wasm"], "wasm-to-oci"),
        (["application/vnd.oci.image.layer.v1.tar+zstd"], "zstd"),
        (["application/vnd.oci.image.layer.v1.tar"], "not compressed with gzip"),
        ([tar, "text/markdown"], "its last layer is \"text/markdown\""), ([], "it has no layer"),
        ([dockerTar], "its last layer is"),
    ]

    @Test(arguments: refused)
    func `other layouts are refused with what to push instead`(layers: [String], reason: String) throws {
        let facts = ImageFacts(
            try ManifestDocument(Manifest(config: layer("config"), layers: layers.map(layer))))
        let findings = try check(facts)
        #expect(findings.map(\.rule) == [.imageLayout])
        let finding = try #require(findings.first)
        #expect(finding.severity == .error)
        #expect(finding.message.contains(reason))
        #expect(finding.fix?.contains("push a compat image") == true)
    }

    @Test func `Higress takes artifacts with more layers and Gloo takes artifacts only`() throws {
        #expect(try check(image("text/markdown", Self.config, Self.raw), "higress").isEmpty)
        #expect(try check(image(Self.config, Self.raw), "gloo").isEmpty)
        let gloo = try check(image(Self.tar), "gloo")
        #expect(gloo.first?.fix?.contains("original wasme") == true)
    }

    @Test func `a Docker manifest must have Docker's layer last`() throws {
        let findings = try check(image(Self.tar, mediaType: .dockerManifest))
        #expect(findings.map(\.rule) == [.imageLayer])
        // What it says of itself decides: a Docker manifest is never an artifact.
        #expect(
            try check(image(Self.config, Self.raw, mediaType: .dockerManifest)).map(\.rule) == [.imageLayer])
    }

    @Test func `the module must be called plugin-dot-wasm, in whatever folder`() throws {
        var facts = try image(Self.tar)
        facts.lastLayerFiles = ["./etc/plugin.wasm"]
        #expect(try check(facts).isEmpty)
        facts.lastLayerFiles = ["filter.wasm", "README.md"]
        let finding = try #require(try check(facts).first)
        #expect(finding.rule == .imageModule)
        #expect(finding.message == "the last layer holds no file plugin.wasm, but \"filter.wasm\"")
    }

    @Test func `an index must have a child for linux on amd64`() throws {
        func index(_ architecture: String) throws -> ImageFacts {
            let json = """
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
                {"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,
                "digest":"\(Digest(of: [1]))","platform":{"os":"linux","architecture":"\(architecture)"}}]}
                """
            return ImageFacts(try ManifestDocument(bytes: Array(json.utf8)))
        }
        let arm = try #require(try check(index("arm64")).first)
        #expect(arm.severity == .error)
        #expect(arm.message.contains("an index for linux/arm64; istio-agent looks for linux/amd64"))
        #expect(try check(index("amd64")).map(\.severity) == [.warning])
    }

    @Test func `sizes and digests have limits`() throws {
        var facts = try image(Self.tar)
        facts.moduleSize = 256 << 20
        #expect(try check(facts).isEmpty)
        facts.moduleSize = 256 << 20 + 1
        #expect(try check(facts).map(\.rule) == [.imageSize])
        #expect(try check(facts, "istio:1.15").isEmpty)
        let bytes = facts.document.bytes
        let other = ImageFacts(try ManifestDocument(bytes: bytes, algorithm: .sha512))
        #expect(try check(other).map(\.rule) == [.imageDigest])
    }

    @Test func `hosts that read files get a note`() throws {
        for host in ["envoy", "kuma", "consul", "apisix"] {
            let findings = try check(image(Self.tar), host)
            #expect(findings.map(\.rule) == [.noImages])
            #expect(findings.map(\.severity) == [.note])
        }
    }
}
