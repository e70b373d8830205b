// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
import OCI

/// The versions of a repository, as values for a template.
struct FilterVersions {
    private let view: FilterView
    private let visit: Visit
    private let bounds: FilterBounds

    init(_ view: FilterView, _ visit: Visit, _ bounds: FilterBounds) {
        self.view = view
        self.visit = visit
        self.bounds = bounds
    }

    var values: [String: Any] {
        let shown = view.document.digest
        let rows = rows(of: view.versions.prefix(bounds.rows))
        return [
            "label": "\(view.target)", "digest": shown.description, "shortDigest": shown.short,
            "pull": pulled, "rows": rows, "hasRows": !rows.isEmpty,
            "isCut": view.hasMoreVersions || view.versions.count > bounds.rows, "chart": chart,
        ]
    }

    /// Versions as rows of a table.
    func rows(of versions: some Collection<TaggedImage>) -> [[String: Any]] {
        let now = visit.registry.now()
        let shown = view.document.digest
        return versions.map { image in
            [
                "tag": image.tag, "path": "/r/\(view.repository):\(image.tag)",
                "digest": image.digest.description, "shortDigest": image.digest.short,
                "size": byteCount(image.size), "age": age(seconds: now - image.updatedAt),
                "time": timestamp(image.updatedAt),
                "by": image.pushedBy ?? "", "byPath": Self.path(ofAccount: image.pushedBy),
                "isShown": image.digest == shown,
                "compare": shownText(
                    image.digest == shown
                        ? nil : "/compare/\(view.repository)?from=\(image.tag)&to=\(compared)"),
            ]
        }
    }

    /// The page of whoever pushed, if that is somebody with a name.
    private static func path(ofAccount name: String?) -> Any {
        guard let name, let account = try? AccountName(name) else { return false }
        return "/users/\(account.owner ?? account)"
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
        let versions = view.versions.prefix(bounds.rows)
        guard versions.count > 1 else { return "" }
        return Chart(
            id: "sizes", title: "Size by version", shape: .line,
            points: versions.reversed().map { .init($0.tag, $0.size) },
            columns: (label: "Version", value: "Size"), text: byteCount
        ).html()
    }
}

/// The image as it lies in the registry, as values for a template.
struct ImageSection {
    private let view: FilterView
    private let bounds: FilterBounds

    init(_ view: FilterView, _ bounds: FilterBounds) {
        self.view = view
        self.bounds = bounds
    }

    var values: [String: Any] {
        var values: [String: Any] = [
            "type": clipped(view.document.mediaType.rawValue, bounds.text),
            "digest": view.document.digest.description,
            "layers": layers, "hasReferrers": !view.referrers.isEmpty, "referrers": referrers,
            "annotations": view.annotations.sorted { $0.key < $1.key }.prefix(bounds.rows).map {
                ["key": clipped($0.key, bounds.text), "value": clipped($0.value, bounds.text)]
            },
            "hasAnnotations": !view.annotations.isEmpty,
            "isCut": partCount > bounds.rows || view.referrers.count > bounds.rows
                || view.annotations.count > bounds.rows,
            "link": "/v2/\(view.repository)/manifests/\(view.document.digest)",
        ]
        if view.document.bytes.count <= bounds.manifest,
            let value = try? JSONValue(parsing: view.document.bytes)
        {
            values["json"] = value.prettyPrinted
        }
        return values
    }

    private var partCount: Int {
        switch view.document.content {
        case .manifest(let manifest): manifest.layers.count + 1
        case .index(let index): index.manifests.count
        }
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
        return parts.prefix(bounds.rows).map { name, descriptor in
            [
                "part": name, "type": clipped(descriptor.mediaType.rawValue, bounds.text),
                "size": byteCount(descriptor.size),
                "digest": descriptor.digest.description, "shortDigest": descriptor.digest.short,
                "path": isIndex
                    ? FilterAddress.path(view.repository, .digest(descriptor.digest))
                    : "/v2/\(view.repository)/blobs/\(descriptor.digest)",
            ]
        }
    }

    private var referrers: [[String: Any]] {
        view.referrers.prefix(bounds.rows).map { referrer in
            let type = referrer.artifactType?.rawValue ?? referrer.mediaType.rawValue
            return [
                "kind": Self.kind(type), "type": clipped(type, bounds.text), "size": byteCount(referrer.size),
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
