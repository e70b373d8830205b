// SPDX-License-Identifier: Apache-2.0

private import Foundation
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
    /// Where Envoy takes the module from.
    package var code: Code
    /// What the plugin is configured with, byte for byte; nil for nothing.
    package var configuration: String?
    /// What its VM is configured with; nil for nothing.
    package var vmConfiguration: String?
    /// The variables that the module's environment has.
    package var environment: [String: String] = [:]
    /// The variables that the module's environment takes from Envoy's own.
    package var hostEnvironment: [String] = []
    package var failurePolicy = FailurePolicy.reload
    /// The host calls and callbacks that the module may use, and no others; nil for all.
    ///
    /// To Envoy an empty list restricts nothing (`CapabilityRestrictionConfig`).
    package var capabilities: [String]?
    /// A number that makes this another configuration to Envoy, which takes no notice of one that it has been given before,
    /// also if it refused it or the module has trapped since; 0 for none.
    ///
    /// It goes into the pause before a trapped module is started again, in nanoseconds beyond the second that is Envoy's
    /// own choice: modules are not loaded anew for that.
    package var retry = 0

    package init(name: String, kind: Kind = .http, code: Code) {
        self.name = name
        self.kind = kind
        self.code = code
    }

    package init(name: String, kind: Kind = .http, modulePath: FilePath) {
        self.init(name: name, kind: kind, code: .file(modulePath))
    }

    /// Where Envoy takes a module from (`AsyncDataSource`, but never `remote`: an update by it lets traffic pass
    /// unfiltered, and the module may never be fetched).
    package enum Code: Hashable, Sendable {
        /// A file, as Envoy sees it; it does not read a file of the same name again: name it by its content.
        case file(FilePath)
        /// The module itself, for Envoys that share no disk with us.
        case inline([UInt8])
    }

    /// The filter's configuration, an `Any` of the kind's `Wasm` message.
    package var typedConfig: ConfigValue {
        var plugin: [ConfigValue.Field] = [.init(key: "name", value: .string(name))]
        if !rootID.isEmpty { plugin.append(.init(key: "root_id", value: .string(rootID))) }
        plugin += [
            .init(key: "failure_policy", value: .string(failurePolicy.rawValue)),
            .init(key: "vm_config", value: .map(machine)),
        ]
        if retry > 0 {
            let digits = String(retry % 1_000_000)
            let pause = "1.000" + String(repeating: "0", count: 6 - digits.count) + digits + "s"
            plugin.append(
                .init(key: "reload_config", value: ["backoff": ["base_interval": .string(pause)]]))
        }
        if let configuration {
            plugin.append(.init(key: "configuration", value: Self.text(configuration)))
        }
        if let capabilities {
            plugin.append(
                .init(key: "capability_restriction_config", value: Self.restriction(capabilities)))
        }
        return ["@type": .string(Self.type(of: kind)), "config": .map(plugin)]
    }

    private var machine: [ConfigValue.Field] {
        var machine: [ConfigValue.Field] = []
        if !vmID.isEmpty { machine.append(.init(key: "vm_id", value: .string(vmID))) }
        machine += [
            // The only engine that Envoy's own builds have; leaving it out would try others first.
            .init(key: "runtime", value: "envoy.wasm.runtime.v8"),
            .init(key: "code", value: ["local": source]),
        ]
        if let vmConfiguration {
            machine.append(.init(key: "configuration", value: Self.text(vmConfiguration)))
        }
        if let variables = Self.variables(environment, host: hostEnvironment) {
            machine.append(.init(key: "environment_variables", value: variables))
        }
        return machine
    }

    /// `EnvironmentVariables` in `envoy/extensions/wasm/v3/wasm.proto`; nil for none.
    static func variables(_ values: [String: String], host: [String]) -> ConfigValue? {
        var variables: [ConfigValue.Field] = []
        if !host.isEmpty {
            variables.append(.init(key: "host_env_keys", value: .list(host.map { .string($0) })))
        }
        if !values.isEmpty { variables.append(.init(key: "key_values", value: .sorted(values))) }
        return variables.isEmpty ? nil : .map(variables)
    }

    private var source: ConfigValue {
        switch code {
        case .file(let path): ["filename": .string(path.string)]
        case .inline(let module): ["inline_bytes": .string(Data(module).base64EncodedString())]
        }
    }

    /// The name of the message that configures a Wasm filter.
    static func type(of kind: Kind) -> String {
        "type.googleapis.com/envoy.extensions.filters.\(kind.rawValue).wasm.v3.Wasm"
    }

    /// A text as it is handed to a module, byte for byte.
    static func text(_ text: String) -> ConfigValue {
        ["@type": "type.googleapis.com/google.protobuf.StringValue", "value": .string(text)]
    }

    static func restriction(_ capabilities: [String]) -> ConfigValue {
        ["allowed_capabilities": .map(capabilities.map { .init(key: $0, value: [:]) })]
    }
}

extension EnvoyPlugin {
    /// What a deployment says, in Envoy's terms; its phase, priority and match are the business of who chooses the place.
    package init(_ deployment: FilterDeployment, name: String, code: Code) {
        self.init(name: name, kind: deployment.kind, code: code)
        rootID = deployment.rootID
        vmID = deployment.vmID
        configuration = deployment.configuration
        vmConfiguration = deployment.vmConfiguration
        environment = deployment.environmentValues
        hostEnvironment = deployment.hostEnvironment
        failurePolicy = deployment.failurePolicy ?? .reload
        capabilities = deployment.capabilities
    }
}

extension FilterDeployment {
    /// The variables that have a value here.
    var environmentValues: [String: String] {
        environment.compactMapValues { if case .value(let text) = $0 { text } else { nil } }
    }

    /// The variables that are the proxy's own.
    var hostEnvironment: [String] { environment.filter { $0.value == .host }.keys.sorted() }

    /// The variables in Envoy's terms; nil for none.
    var envoyEnvironment: ConfigValue? {
        EnvoyPlugin.variables(environmentValues, host: hostEnvironment)
    }
}
