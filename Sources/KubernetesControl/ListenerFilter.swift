// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A filter that stands in listeners, by what tells it from others there.
package struct ListenerFilter: Hashable, Sendable {
    /// The plugin's name (`PluginConfig.name`, `envoy/extensions/wasm/v3/wasm.proto`).
    package var plugin: String
    /// What the id of its virtual machine begins with, where the control plane makes one for each filter; nil if the plugin's
    /// name is all that there is.
    package var machine: String?
    /// The SHA-256 of the module that the proxies are to fetch, as hexadecimal digits; nil to take any.
    package var module: String?
    /// The configuration that it is to have, a string if it is no JSON; nil to take any.
    package var configuration: JSONValue?

    package init(plugin: String) { self.plugin = plugin }

    func matches(_ other: ListenerDump.Filter) -> Bool {
        guard let machine else { return plugin == other.plugin }
        return other.machine.hasPrefix(machine) && other.plugin == plugin
    }

    /// In what a filter is not what it is to be; nil if it is.
    func difference(to other: ListenerDump.Filter) -> String? {
        if let module, let running = other.module, running != module {
            return "it runs the module sha256:\(running)"
        }
        if let configuration, other.configuration != configuration {
            return "it runs with another configuration"
        }
        return nil
    }
}

/// The Wasm filters in the listeners of an Envoy (`/config_dump`, `envoy/admin/v3/config_dump_shared.proto`).
struct ListenerDump {
    /// One filter of a listener, also one that only some of its routes switch on.
    struct Filter: Hashable {
        let plugin: String
        /// The id of its virtual machine.
        let machine: String
        /// What tells its virtual machines from those of others.
        let code: String
        /// The digest of a module that Envoy fetches; nil for one that it has.
        let module: String?
        let configuration: JSONValue?
        let failsOpen: Bool
    }

    let listener: String
    /// In the listener that serves; static ones always do.
    let active: [Filter]
    /// In the one that is being made, as long as modules are fetched.
    let warming: [Filter]
    /// In the one that Envoy has refused last.
    let refused: [Filter]
    /// Why.
    let complaint: String?
    /// Whether there is one that serves.
    let serves: Bool

    /// Reads the answer for `static_listeners` or `dynamic_listeners`.
    static func read(_ dump: [UInt8]) throws(JSONError) -> [ListenerDump] {
        let configs = try JSONValue(parsing: dump).object?["configs"]?.array ?? []
        return configs.compactMap { $0.object }.map { config in
            // A static listener has no states.
            let active = config["listener"] ?? config["active_state"]?.object?["listener"]
            let error = config["error_state"]?.object
            return ListenerDump(
                listener: config["name"]?.string ?? active?.object?["name"]?.string ?? "",
                active: active.map(filters) ?? [],
                warming: config["warming_state"]?.object?["listener"].map(filters) ?? [],
                refused: error?["failed_configuration"].map(filters) ?? [],
                complaint: error?["details"]?.string, serves: active != nil)
        }
    }

    /// All Wasm filters below a value, of requests and of connections.
    private static func filters(in value: JSONValue) -> [Filter] {
        switch value {
        case .array(let elements): return elements.flatMap(filters)
        case .object(let object):
            if let typed = object["typed_config"]?.object, let filter = filter(typed) { return [filter] }
            return object.members.flatMap { filters(in: $0.value) }
        default: return []
        }
    }

    private static func filter(_ typed: JSONObject) -> Filter? {
        // Some control planes write what they do not know the type of (`xds/type/v3/typed_struct.proto`).
        let type = typed["type_url"]?.string ?? typed["@type"]?.string ?? ""
        guard type.hasSuffix(".wasm.v3.Wasm") else { return nil }
        let plugin = (typed["value"]?.object ?? typed)["config"]?.object
        let machine = plugin?["vm_config"]?.object
        let code = machine?["code"]?.object
        let configuration = plugin?["configuration"]?.object?["value"]
        let id = machine?["vm_id"]?.string ?? ""
        return Filter(
            plugin: plugin?["name"]?.string ?? "", machine: id,
            code:
                "\(id) \(code.map { "\(JSONValue.object($0))" } ?? "") \(machine?["configuration"]?.description ?? "")",
            module: code?["remote"]?.object?["sha256"]?.string,
            configuration: configuration.map(configured),
            failsOpen: plugin?["failure_policy"]?.string == "FAIL_OPEN" || plugin?["fail_open"] == .bool(true)
        )
    }

    /// A configuration as it is compared: a text that is JSON as what it says.
    static func configured(_ value: JSONValue) -> JSONValue {
        guard let text = value.string else { return value }
        return (try? JSONValue(parsing: text)) ?? value
    }
}
