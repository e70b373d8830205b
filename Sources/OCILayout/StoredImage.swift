// SPDX-License-Identifier: Apache-2.0

private import Foundation
package import OCI

/// An image of the local store.
package struct StoredImage: Sendable {
    /// The name as it stands in the layout; nil for an image that has none.
    package let name: String?
    /// The name, if it is a reference.
    package let reference: Reference?
    package let descriptor: Descriptor
    /// When the image was last stored under this name, in ISO 8601.
    package let storedAt: String?
    /// What its manifest says; nil if that cannot be read.
    package let facts: ImageFacts?
}

/// What a list shows of an image.
///
/// The facts stand in the image's entry of `index.json`, so that no manifest has to be read for a list.
package struct ImageFacts: Hashable, Sendable {
    /// Bytes of the configuration and all layers.
    package var size: Int64
    /// The Proxy-Wasm ABI versions of the module, as the image states them.
    package var abiVersions: [String]
    /// When the image was made, in ISO 8601, if it says so.
    package var created: String?

    /// Reads what a manifest says.
    /// - Parameters:
    ///   - document: the manifest.
    ///   - configuration: the image's configuration, which container tools put the time into.
    init(_ document: ManifestDocument, configuration: (Descriptor) -> [UInt8]?) {
        guard case .manifest(let manifest) = document.content else {
            self.init(size: Int64(document.bytes.count), abiVersions: [])
            return
        }
        func made() -> String? {
            guard Self.configurations.contains(manifest.config.mediaType),
                let bytes = configuration(manifest.config)
            else { return nil }
            return (try? JSONDecoder().decode(Configuration.self, from: Data(bytes)))?.created
        }
        self.init(
            size: manifest.layers.reduce(manifest.config.size) { $0 &+ $1.size },
            abiVersions: Self.versions(manifest.annotations?["module.wasm.runtime/abi_version"]),
            created: manifest.annotations?["org.opencontainers.image.created"] ?? made())
    }

    private struct Configuration: Decodable { let created: String? }

    private static let configurations: [MediaType] = [
        .imageConfig, MediaType(rawValue: "application/vnd.docker.container.image.v1+json"),
    ]

    private init(size: Int64, abiVersions: [String], created: String? = nil) {
        self.size = size
        self.abiVersions = abiVersions
        self.created = created
    }

    private static func versions(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { String($0.trimmingPrefix { $0 == " " }) }
    }

    // MARK: - in index.json

    private static let size = "dev.wasme.size"
    private static let abiVersion = "dev.wasme.abi-version"
    private static let created = "dev.wasme.created"

    /// The facts that an entry of `index.json` carries; nil if another tool, or an older wasme, wrote it.
    init?(annotations: [String: String]?) {
        guard let annotations, let size = annotations[Self.size].flatMap({ Int64($0) }) else { return nil }
        self.init(
            size: size, abiVersions: Self.versions(annotations[Self.abiVersion]),
            created: annotations[Self.created])
    }

    /// What an entry carries of them.
    var annotations: [String: String] {
        var annotations = [Self.size: String(size)]
        if !abiVersions.isEmpty { annotations[Self.abiVersion] = abiVersions.joined(separator: ",") }
        annotations[Self.created] = created
        return annotations
    }
}
