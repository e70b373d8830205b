// SPDX-License-Identifier: Apache-2.0

/// `runtime-config.json`: what a host has to know to run the module, as the original wasme defined it.
package struct RuntimeConfig: Sendable, Hashable, Codable {
    /// The only type there is.
    package static let envoyProxy = "envoy_proxy"

    package var type: String
    /// ABI versions of the module, as in `v0.2.1`.
    package var abiVersions: [String]
    /// Root ids of the plugins in the module.
    package var rootIDs: [String]

    package init(type: String = envoyProxy, abiVersions: [String], rootIDs: [String]) {
        self.type = type
        self.abiVersions = abiVersions
        self.rootIDs = rootIDs
    }

    /// Reads both spellings there are: the implementation's camelCase and the specification's snake_case.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        type = try container.decodeIfPresent(String.self, forKey: "type") ?? Self.envoyProxy
        if let single = try? container.decodeIfPresent(String.self, forKey: "abi_version") {
            abiVersions = [single]
        } else {
            abiVersions =
                try container.decodeIfPresent([String].self, forKey: "abiVersions")
                ?? container.decodeIfPresent([String].self, forKey: "abi_versions") ?? []
        }
        var inner = container
        if container.contains("config") {
            inner = try container.nestedContainer(keyedBy: AnyKey.self, forKey: "config")
        }
        rootIDs =
            try inner.decodeIfPresent([String].self, forKey: "rootIds")
            ?? inner.decodeIfPresent([String].self, forKey: "root_ids") ?? []
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AnyKey.self)
        try container.encode(type, forKey: "type")
        try container.encode(abiVersions, forKey: "abiVersions")
        var inner = container.nestedContainer(keyedBy: AnyKey.self, forKey: "config")
        try inner.encode(rootIDs, forKey: "rootIds")
    }

    private struct AnyKey: CodingKey, ExpressibleByStringLiteral {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringLiteral value: String) { stringValue = value }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
