// SPDX-License-Identifier: Apache-2.0

package import FilterImage
import JSON
package import OCI
package import WasmBinary

/// Everything that can be said of a filter without running it.
package struct FilterDescription: Encodable, Sendable {
    /// What the user called it.
    package let subject: String
    package let metadata: Metadata
    package let module: Module
    /// How the filter is configured, one line for each member of its schema.
    package let configuration: [Setting]?
    package let image: Image?

    /// What its makers say of it.
    package struct Metadata: Codable, Sendable {
        package let name: String?
        package let version: String?
        package let description: String?
        package let licence: String?
        package let language: String?
        package let type: String?
        package let rootIDs: [String]
    }

    /// A member of the configuration.
    package struct Setting: Codable, Sendable {
        package let name: String
        package let type: String
        package let isRequired: Bool
        /// As JSON.
        package let defaultValue: String?
        package let description: String?
    }

    package struct Image: Codable, Sendable {
        package let digest: Digest
        /// Which kind of layout it is, as in "compat".
        package let variant: String
        package let mediaType: MediaType
        /// Bytes of the configuration and all layers.
        package let size: Int64
        package let layers: [Layer]
        package let annotations: [String: String]
    }

    package struct Layer: Codable, Sendable {
        package let mediaType: MediaType
        package let digest: Digest
        package let size: Int64
    }

    /// Describes a module that stands alone.
    package init(_ module: WasmModule, named subject: String) {
        self.init(
            subject: subject,
            metadata: Metadata(FilterMetadata(), language: Module.language(module), rootIDs: []),
            module: Module(module), configuration: nil, image: nil)
    }

    /// Describes a filter and its image.
    package init(
        _ module: WasmModule, _ content: FilterContent, _ document: ManifestDocument, named subject: String
    ) {
        self.init(
            subject: subject,
            metadata: Metadata(
                content.metadata, language: Module.language(module), rootIDs: content.runtime.rootIDs),
            module: Module(module), configuration: content.configSchema.flatMap(Setting.all),
            image: Image(document))
    }

    /// A description out of its parts, as they were kept.
    package init(
        subject: String, metadata: Metadata, module: Module, configuration: [Setting]?, image: Image?
    ) {
        self.subject = subject
        self.metadata = metadata
        self.module = module
        self.configuration = configuration
        self.image = image
    }
}

extension FilterDescription.Metadata {
    fileprivate init(_ metadata: FilterMetadata, language: String?, rootIDs: [String]) {
        self.init(
            name: metadata.name, version: metadata.version, description: metadata.description,
            licence: metadata.licence, language: metadata.language ?? language, type: metadata.type,
            rootIDs: rootIDs)
    }
}

extension FilterDescription.Image {
    fileprivate init?(_ document: ManifestDocument) {
        guard case .manifest(let manifest) = document.content else { return nil }
        self.init(
            digest: document.digest, variant: Self.variant(manifest), mediaType: document.mediaType,
            size: manifest.layers.reduce(manifest.config.size) { $0 + $1.size },
            layers: manifest.layers.map { .init(mediaType: $0.mediaType, digest: $0.digest, size: $0.size) },
            annotations: manifest.annotations ?? [:])
    }

    /// The layout by what is there, not by what an annotation claims.
    private static func variant(_ manifest: Manifest) -> String {
        let types = manifest.layers.map(\.mediaType)
        if types.contains(.wasmeContent) { return "artifact" }
        if types.contains(.wasm) { return "cncf" }
        if types.contains(.kubewardenContent) { return "wasm-to-oci" }
        if manifest.mediaType == .dockerManifest { return "docker" }
        if types.contains(where: { $0.rawValue.hasPrefix("application/vnd.module.wasm.spec.") }) {
            return "higress"
        }
        guard let last = types.last, last.isTar else { return "unknown" }
        return last.isGzip ? "compat" : last.rawValue.hasSuffix("zstd") ? "zstd" : "tar"
    }
}

extension FilterDescription.Setting {
    /// The members that a schema names at its top, in its order; nil if it is no schema of an object.
    fileprivate static func all(schema: [UInt8]) -> [Self]? {
        guard let document = try? JSONValue(parsing: schema).object,
            let properties = document["properties"]?.object
        else { return nil }
        let required = Set(document["required"]?.array?.compactMap(\.string) ?? [])
        return properties.members.map { name, value in
            let member = value.object
            let types =
                member?["type"]?.string.map { [$0] }
                ?? member?["type"]?.array?.compactMap(\.string)
                ?? (member?["enum"] != nil ? ["one of \(member?["enum"] ?? .null)"] : ["any"])
            return Self(
                name: name, type: types.joined(separator: " or "), isRequired: required.contains(name),
                defaultValue: member?["default"].map { "\($0)" }, description: member?["description"]?.string)
        }
    }
}
