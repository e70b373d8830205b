// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
private import Files
package import SystemPackage

/// A place in a chain of filters whose content a running Envoy takes from a file: extension configuration discovery
/// (`envoy/config/core/v3/extension.proto`).
///
/// Envoy sees only that another file takes the place of the one it knows; it does not see that a file is written to.
package struct EnvoySlot: Hashable, Sendable {
    /// The filter's name in its chain, and the resource's.
    package let name: String
    package let kind: EnvoyPlugin.Kind
    /// The resource's file, YAML or JSON; it has to be there when Envoy starts.
    package let file: FilePath

    package init(name: String, kind: EnvoyPlugin.Kind, file: FilePath) {
        self.name = name
        self.kind = kind
        self.file = file
    }

    /// The item for `http_filters` or `filters`.
    package var filter: ConfigValue {
        [
            "name": .string(name),
            "config_discovery": [
                "config_source": [
                    "resource_api_version": "V3",
                    "path_config_source": ["path": .string(file.string)],
                    "initial_fetch_timeout": "5s",
                ],
                // Without one, Envoy answers 500 as long as the slot has nothing that it takes.
                "default_config": nothing,
                "apply_default_config_without_warming": true,
                "type_urls": .list([.string(EnvoyPlugin.type(of: kind)), .string(nothingType)]),
            ],
        ]
    }

    private var nothingType: String {
        "type.googleapis.com/envoy.extensions.filters.\(kind.rawValue).rbac.v3.RBAC"
    }

    /// The filter that does nothing: access control without a rule.
    private var nothing: ConfigValue {
        switch kind {
        case .http: ["@type": .string(nothingType)]
        case .network: ["@type": .string(nothingType), "stat_prefix": .string(name)]
        }
    }

    /// The content of the file.
    /// - Parameters:
    ///   - plugin: what is to stand there; nil for nothing.
    ///   - version: a name for this content, shown by Envoy.
    /// - Returns: a discovery response, as YAML if the file's name says so; Envoy takes all others for JSON.
    package func resource(_ plugin: EnvoyPlugin?, version: String) -> String {
        let response: ConfigValue = [
            "version_info": .string(version),
            "resources": [
                [
                    "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
                    "name": .string(name), "typed_config": plugin?.typedConfig ?? nothing,
                ]
            ],
        ]
        let isYAML = ["yaml", "yml"].contains(file.extension?.lowercased() ?? "")
        let lines = isYAML ? response.yamlLines : response.jsonLines(unit: "  ")
        return lines.joined(separator: "\n") + "\n"
    }

    /// Puts the file in its place, in one step.
    package func write(_ plugin: EnvoyPlugin?, version: String) throws {
        try Files.replace(file, with: Array(resource(plugin, version: version).utf8))
    }

    /// What came of a change.
    package enum Outcome: Hashable, Sendable {
        /// Envoy has it, and new streams get it.
        case accepted
        /// Envoy does not take it; what was there before goes on serving.
        case rejected
        /// Nothing was to be seen of it in time: the content is what was there, or Envoy's main thread is busy.
        case unseen
    }

    /// Puts a plugin into the slot and waits for what a running Envoy says to it.
    /// - Parameters:
    ///   - plugin: what is to stand there; nil for nothing.
    ///   - version: a name for this content; a new one each time.
    ///   - admin: the admin interface of the Envoy.
    ///   - limit: how long to wait.
    /// - Returns: judged by the change of Envoy's counters since before; its dump shows also what it has refused.
    /// - Throws: `EnvoyError` if the admin interface does not answer; an error of the file system.
    package func install(
        _ plugin: EnvoyPlugin?, version: String, on admin: EnvoyAdmin, within limit: Duration = .seconds(30)
    ) async throws -> Outcome {
        let before = try await counters(admin)
        try write(plugin, version: version)
        let deadline = ContinuousClock.now + limit
        var pause = Duration.milliseconds(2)
        while ContinuousClock.now < deadline {
            let now = try await counters(admin)
            if now.refused > before.refused { return .rejected }
            if now.accepted > before.accepted { return .accepted }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
        return .unseen
    }

    /// How many changes Envoy has taken and refused since it started.
    /// - Throws: `EnvoyError` if the admin interface does not answer.
    package func counters(_ admin: EnvoyAdmin) async throws -> (accepted: UInt64, refused: UInt64) {
        let prefix = statisticsPrefix
        let escaped = prefix.replacing(".", with: "\\.")
        let values = try await admin.statistics(matching: "^\(escaped)")
        func value(_ name: String) -> UInt64 { values[prefix + name] ?? 0 }
        return (
            value("update_success"),
            value("update_rejected") + value("update_failure") + value("config_fail")
        )
    }
}
