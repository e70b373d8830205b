// SPDX-License-Identifier: Apache-2.0

import JSON

/// What an Envoy has been given by extension configuration discovery.
struct ReceivedExtension {
    enum Content: Equatable {
        case wasm(plugin: String, code: String)
        /// Access control that lets nobody in, or everybody.
        case stand(deniesAll: Bool)
        case other(String)
    }

    let name: String
    let version: String
    let content: Content

    /// What tells its module from others; nil if it is none.
    var code: String? {
        if case .wasm(_, let code) = content { code } else { nil }
    }

    /// Reads `/config_dump?resource=ecds_filters` (`envoy/admin/v3/config_dump_shared.proto`).
    static func read(_ dump: [UInt8]) throws(JSONError) -> [ReceivedExtension] {
        let configs = try JSONValue(parsing: dump).object?["configs"]?.array ?? []
        return configs.compactMap { config in
            guard let filter = config.object?["ecds_filter"]?.object, let name = filter["name"]?.string else {
                return nil
            }
            let typed = filter["typed_config"]?.object
            let type = typed?["@type"]?.string ?? ""
            let content: Content
            if type.hasSuffix(".wasm.v3.Wasm") {
                let plugin = typed?["config"]?.object
                let machine = plugin?["vm_config"]?.object
                let local = machine?["code"]?.object?["local"]?.object
                let code = local?["filename"]?.string ?? machine?["code"]?.description ?? ""
                content = .wasm(
                    plugin: plugin?["name"]?.string ?? "",
                    code: "\(machine?["vm_id"]?.string ?? "") \(code)")
            } else if type.hasSuffix(".rbac.v3.RBAC") {
                // No rules let everything through; rules without a policy let nothing through (rbac.proto).
                let rules = typed?["rules"]?.object
                content = .stand(deniesAll: rules != nil && rules?["policies"] == nil)
            } else {
                content = .other(type)
            }
            return ReceivedExtension(
                name: name, version: config.object?["version_info"]?.string ?? "", content: content)
        }
    }
}
