// SPDX-License-Identifier: Apache-2.0

import JSON

/// A filter before it is an image: the module and what belongs to it.
package struct FilterContent: Sendable {
    /// The WebAssembly module.
    package var module: [UInt8]
    package var runtime: RuntimeConfig
    package var metadata: FilterMetadata
    /// JSON Schema of the plugin configuration.
    package var configSchema: [UInt8]?
    package var readme: [UInt8]?
    package var licence: [UInt8]?
    package var icon: FilterIcon?
    /// Documents of other tools by their file names, as in Higress' `spec.yaml`: carried along, not read.
    package var otherDocuments: [String: [UInt8]] = [:]
    /// The manifest's annotations beside those that `metadata` and `runtime` stand for.
    package var annotations: [String: String] = [:]

    package init(
        module: [UInt8], runtime: RuntimeConfig, metadata: FilterMetadata = FilterMetadata(),
        configSchema: [UInt8]? = nil, readme: [UInt8]? = nil, licence: [UInt8]? = nil,
        icon: FilterIcon? = nil, annotations: [String: String] = [:]
    ) {
        self.module = module
        self.runtime = runtime
        self.metadata = metadata
        self.configSchema = configSchema
        self.readme = readme
        self.licence = licence
        self.icon = icon
        self.annotations = annotations
    }

    /// Makes the image say something; what it would have said under that key goes.
    package mutating func set(_ key: String, _ value: String) {
        if let field = FilterMetadata.keys.first(where: { $0.name == key })?.field {
            metadata[keyPath: field] = value
        } else {
            annotations[key] = value
        }
    }

    /// When the sources were as they are here, if anything says so.
    var created: String? { annotations["org.opencontainers.image.created"] }

    /// A configuration that shows the filter at work: the first of the schema's examples, or its default, as JSON.
    package var exampleConfiguration: String? {
        guard let configSchema, let document = try? JSONValue(parsing: configSchema) else { return nil }
        let example = document.object?["examples"]?.array?.first ?? document.object?["default"]
        return example.map { "\($0)" }
    }
}

/// What a person wants to know of a filter; becomes the manifest's annotations.
package struct FilterMetadata: Sendable, Hashable {
    package var name: String?
    package var version: String?
    package var description: String?
    /// SPDX licence expression.
    package var licence: String?
    /// Programming language of the sources.
    package var language: String?
    /// `http` or `network`.
    package var type: String?

    package init(
        name: String? = nil, version: String? = nil, description: String? = nil, licence: String? = nil,
        language: String? = nil, type: String? = nil
    ) {
        self.name = name
        self.version = version
        self.description = description
        self.licence = licence
        self.language = language
        self.type = type
    }

    static let keys: [(name: String, field: any WritableKeyPath<FilterMetadata, String?> & Sendable)] = [
        ("org.opencontainers.image.title", \.name),
        ("org.opencontainers.image.version", \.version),
        ("org.opencontainers.image.description", \.description),
        ("org.opencontainers.image.licenses", \.licence),
        ("dev.wasme.language", \.language),
        ("dev.wasme.filter.type", \.type),
    ]

    /// Reads what a manifest's annotations say.
    package init(annotations: [String: String]) {
        for (name, field) in Self.keys { self[keyPath: field] = annotations[name] }
    }

    /// The annotations of a manifest.
    package var annotations: [String: String] {
        var result: [String: String] = [:]
        for (name, field) in Self.keys { result[name] = self[keyPath: field] }
        return result
    }
}
