// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// A Wasm plugin as Envoy is to run it (`PluginConfig` in `envoy/extensions/wasm/v3/wasm.proto`).
package struct EnvoyPlugin: Hashable, Sendable {
    /// In which chain of filters it stands.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case http
        case network
    }

    /// What Envoy does when the module traps (`FailurePolicy` in `envoy/extensions/wasm/v3/wasm.proto`).
    package enum FailurePolicy: String, Hashable, Sendable, CaseIterable {
        /// Answer 503 and start the module again: heals itself and is counted.
        case reload = "FAIL_RELOAD"
        /// Answer 503 from then on.
        case closed = "FAIL_CLOSED"
        /// Serve without the filter from then on.
        case open = "FAIL_OPEN"
    }

    /// By which name Envoy's log and statistics know it.
    package var name: String
    package var kind: Kind
    /// Which of the module's roots to run; empty for the only one.
    package var rootID = ""
    /// Plugins with the same id, module and VM configuration share a VM on each thread, and with it shared data.
    package var vmID = ""
    /// The module's file, as Envoy sees it.
    ///
    /// Envoy does not read a file of the same name again: name it by its content.
    package var modulePath: FilePath
    /// What the plugin is configured with, byte for byte; nil for nothing.
    package var configuration: String?
    /// What its VM is configured with; nil for nothing.
    package var vmConfiguration: String?
    /// The variables that the module's environment has.
    package var environment: [String: String] = [:]
    package var failurePolicy = FailurePolicy.reload

    package init(name: String, kind: Kind = .http, modulePath: FilePath) {
        self.name = name
        self.kind = kind
        self.modulePath = modulePath
    }

    /// The filter's configuration, an `Any` of the kind's `Wasm` message.
    package var typedConfig: ConfigValue {
        var plugin: [ConfigValue.Field] = [.init(key: "name", value: .string(name))]
        if !rootID.isEmpty { plugin.append(.init(key: "root_id", value: .string(rootID))) }
        plugin += [
            .init(key: "failure_policy", value: .string(failurePolicy.rawValue)),
            .init(key: "vm_config", value: .map(machine)),
        ]
        if let configuration {
            plugin.append(.init(key: "configuration", value: Self.text(configuration)))
        }
        return ["@type": .string(Self.type(of: kind)), "config": .map(plugin)]
    }

    private var machine: [ConfigValue.Field] {
        var machine: [ConfigValue.Field] = []
        if !vmID.isEmpty { machine.append(.init(key: "vm_id", value: .string(vmID))) }
        machine += [
            // The only engine that Envoy's own builds have; leaving it out would try others first.
            .init(key: "runtime", value: "envoy.wasm.runtime.v8"),
            .init(key: "code", value: ["local": ["filename": .string(modulePath.string)]]),
        ]
        if let vmConfiguration {
            machine.append(.init(key: "configuration", value: Self.text(vmConfiguration)))
        }
        if !environment.isEmpty {
            let variables = environment.sorted { $0.key < $1.key }.map { name, value in
                ConfigValue.Field(key: name, value: .string(value))
            }
            machine.append(.init(key: "environment_variables", value: ["key_values": .map(variables)]))
        }
        return machine
    }

    /// The name of the message that configures a Wasm filter.
    static func type(of kind: Kind) -> String {
        "type.googleapis.com/envoy.extensions.filters.\(kind.rawValue).wasm.v3.Wasm"
    }

    private static func text(_ text: String) -> ConfigValue {
        ["@type": "type.googleapis.com/google.protobuf.StringValue", "value": .string(text)]
    }
}
