// SPDX-License-Identifier: Apache-2.0

private import Foundation
import Hub
import JSON
import OCI

/// The versions of a repository, as values for a template.
struct FilterVersions {
    let view: FilterView
    let visit: Visit

    init(_ view: FilterView, _ visit: Visit) {
        self.view = view
        self.visit = visit
    }

    var values: [String: Any] {
        let now = visit.registry.now()
        let shown = view.document.digest
        let rows: [[String: Any]] = view.versions.map { image in
            [
                "tag": image.tag, "path": "/r/\(view.repository):\(image.tag)",
                "digest": image.digest.description, "shortDigest": image.digest.short,
                "size": byteCount(image.size), "age": age(seconds: now - image.updatedAt),
                "time": Date(timeIntervalSince1970: TimeInterval(image.updatedAt)).formatted(.iso8601),
                "by": image.pushedBy ?? "", "isShown": image.digest == shown,
                "compare": shownText(
                    image.digest == shown
                        ? nil : "/compare/\(view.repository)?from=\(image.tag)&to=\(compared)"),
            ]
        }
        return [
            "label": "\(view.target)", "digest": shown.description, "shortDigest": shown.short,
            "pull": pulled, "rows": rows, "hasRows": !rows.isEmpty, "isCut": view.hasMoreVersions,
            "chart": chart,
        ]
    }

    /// The page's own version as it stands in an address.
    private var compared: String {
        switch view.target {
        case .tag(let tag): tag.name
        case .digest(let digest): digest.description
        }
    }

    private var pulled: String {
        switch view.target {
        case .tag(let tag): ":\(tag)"
        case .digest(let digest): "@\(digest)"
        }
    }

    /// How the size went from version to version; worth a picture from two on.
    private var chart: String {
        guard view.versions.count > 1 else { return "" }
        return Chart(
            id: "sizes", title: "Size by version", shape: .line,
            points: view.versions.reversed().map { .init($0.tag, $0.size) },
            columns: (label: "Version", value: "Size"), text: byteCount
        ).html()
    }
}

/// The image as it lies in the registry, as values for a template.
struct ImageSection {
    /// Bytes of the longest manifest that is shown.
    private static let longestManifest = 16 << 10
    private static let mostLayers = 200

    let view: FilterView

    init(_ view: FilterView) { self.view = view }

    var values: [String: Any] {
        var values: [String: Any] = [
            "type": view.document.mediaType.rawValue, "digest": view.document.digest.description,
            "layers": layers, "hasReferrers": !view.referrers.isEmpty, "referrers": referrers,
            "annotations": view.annotations.sorted { $0.key < $1.key }.map {
                ["key": $0.key, "value": $0.value]
            },
            "hasAnnotations": !view.annotations.isEmpty,
            "link": "/v2/\(view.repository)/manifests/\(view.document.digest)",
        ]
        if view.document.bytes.count <= Self.longestManifest,
            let value = try? JSONValue(parsing: view.document.bytes)
        {
            values["json"] = value.prettyPrinted
        }
        return values
    }

    private var layers: [[String: Any]] {
        let parts: [(String, Descriptor)] =
            switch view.document.content {
            case .manifest(let manifest):
                [("Configuration", manifest.config)]
                    + manifest.layers.enumerated().map { ("Layer \($0 + 1)", $1) }
            case .index(let index): index.manifests.enumerated().map { ("Manifest \($0 + 1)", $1) }
            }
        let isIndex = view.manifest == nil
        return parts.prefix(Self.mostLayers).map { name, descriptor in
            [
                "part": name, "type": descriptor.mediaType.rawValue, "size": byteCount(descriptor.size),
                "digest": descriptor.digest.description, "shortDigest": descriptor.digest.short,
                "path": isIndex
                    ? FilterAddress.path(view.repository, .digest(descriptor.digest))
                    : "/v2/\(view.repository)/blobs/\(descriptor.digest)",
            ]
        }
    }

    private var referrers: [[String: Any]] {
        view.referrers.map { referrer in
            let type = referrer.artifactType?.rawValue ?? referrer.mediaType.rawValue
            return [
                "kind": Self.kind(type), "type": type, "size": byteCount(referrer.size),
                "shortDigest": referrer.digest.short, "digest": referrer.digest.description,
                "path": FilterAddress.path(view.repository, .digest(referrer.digest)),
            ]
        }
    }

    /// What a referrer is, in a word.
    private static func kind(_ type: String) -> String {
        let words = [
            ("signature", "Signature"), ("cosign", "Signature"), ("notary", "Signature"),
            ("sigstore", "Signature"),
            ("spdx", "Bill of materials"), ("cyclonedx", "Bill of materials"), ("sbom", "Bill of materials"),
            ("in-toto", "Attestation"), ("slsa", "Attestation"),
        ]
        return words.first { type.lowercased().contains($0.0) }?.1 ?? "Attachment"
    }
}
