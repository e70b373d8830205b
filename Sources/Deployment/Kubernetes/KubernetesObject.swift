// SPDX-License-Identifier: Apache-2.0

private import JSON

/// An object as an API server gets it (Kubernetes API conventions, "Objects").
package struct KubernetesObject: Hashable, Sendable {
    package var apiVersion: String
    package var kind: String
    /// Nil for one that belongs to the cluster, or to the namespace that whoever applies it has chosen.
    package var namespace: String?
    package var name: String
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    /// What follows the metadata, mostly "spec" alone.
    package var body: [ConfigValue.Field]
    /// Whether it belongs to others, and only what stands in it here is ours: it is never made and never deleted.
    package var isShared = false

    package init(
        apiVersion: String, kind: String, namespace: String?, name: String, spec: [ConfigValue.Field],
        isShared: Bool = false
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.body = [.init(key: "spec", value: .map(spec))]
        self.isShared = isShared
    }

    /// The API's group; empty for the core.
    package var group: String {
        apiVersion.contains("/") ? String(apiVersion.prefix { $0 != "/" }) : ""
    }

    /// The object for people, as in `WasmPlugin "shop/add-header"`.
    package var description: String { "\(kind) \"\(namespace.map { "\($0)/" } ?? "")\(name)\"" }

    /// The whole object.
    package var value: ConfigValue {
        var metadata: [ConfigValue.Field] = [.init(key: "name", value: .string(name))]
        if let namespace { metadata.append(.init(key: "namespace", value: .string(namespace))) }
        if !labels.isEmpty { metadata.append(.init(key: "labels", value: .sorted(labels))) }
        if !annotations.isEmpty { metadata.append(.init(key: "annotations", value: .sorted(annotations))) }
        return .map(
            [
                .init(key: "apiVersion", value: .string(apiVersion)),
                .init(key: "kind", value: .string(kind)), .init(key: "metadata", value: .map(metadata)),
            ] + body)
    }

    /// The object as a YAML document, with a line end after its last line.
    package var yaml: String { value.yamlLines.joined(separator: "\n") + "\n" }

    /// The object as JSON in one line.
    package var json: String { value.json.description }
}

extension ConfigValue {
    /// A map of texts, sorted by their names.
    static func sorted(_ texts: [String: String]) -> ConfigValue {
        .map(texts.sorted { $0.key < $1.key }.map { Field(key: $0.key, value: .string($0.value)) })
    }
}

extension [ConfigValue.Field] {
    /// Adds a field at the end if there is something to say.
    mutating func add(_ key: String, _ value: ConfigValue?) {
        if let value { append(.init(key: key, value: value)) }
    }
}
