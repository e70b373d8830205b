// SPDX-License-Identifier: Apache-2.0

import JSON
package import OCI

/// An `EnvoyFilter` as the original wasme wrote one for each workload: a module of the cache's folder before the router.
package struct OriginalEnvoyFilter: Hashable, Sendable {
    /// Why an object that runs a module of the cache is not as the original wrote it.
    struct Edited: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    package let object: OriginalObject
    /// What the deployment was called.
    package let id: String
    /// The name of the `Deployment`, `DaemonSet` or `StatefulSet` that it is for.
    package let workload: String
    /// The labels of the workload's pods.
    package let labels: [String: String]
    /// The module's digest, by the name of its file.
    package let module: Digest
    package let rootID: String?
    /// Nil for the id, which the original always wrote.
    package let vmID: String?
    package let configuration: String?
    package let traffic: FilterDeploymentFile.PatchContext

    /// The `FilterDeployment` that it was made from, by its owner references.
    var owner: String? { object.owner(kind: FilterDeploymentFile.kind, group: "wasme.io") }

    /// Reads an object.
    /// - Returns: nil for one that runs no module of the cache.
    /// - Throws: `Edited` for one that does, and has a form that the original did not write.
    static func read(_ object: OriginalObject) throws(Edited) -> OriginalEnvoyFilter? {
        guard object.usesCache, object.group == "networking.istio.io" else { return nil }
        return try OriginalEnvoyFilter(object)
    }

    private init(_ object: OriginalObject) throws(Edited) {
        self.object = object
        let spec = try Fields(object.json["spec"], "spec", ["workloadSelector", "configPatches"])
        let selector = try Fields(spec["workloadSelector"], "spec.workloadSelector", ["labels"])
        labels = OriginalObject.texts(selector["labels"])
        guard !labels.isEmpty else { throw Edited("\"spec.workloadSelector\" has no labels") }
        guard let patches = spec["configPatches"]?.array, patches.count == 1 else {
            throw Edited("it has other patches too")
        }
        let patch = try Fields(patches[0], "the patch", ["applyTo", "match", "patch"])
        try patch.expect("applyTo", ["HTTP_FILTER"])
        traffic = try Self.traffic(patch["match"])
        let change = try Fields(patch["patch"], "the patch", ["operation", "value"])
        try change.expect("operation", ["INSERT_BEFORE"])
        let plugin = try Self.plugin(change["value"])
        guard let id = plugin["name"]?.string, !id.isEmpty else {
            throw Edited("its filter has no name")
        }
        self.id = id
        guard object.name.hasSuffix("-\(id)"), object.name.utf8.count > id.utf8.count + 1 else {
            throw Edited("its name is not that of a workload with \"-\(id)\" behind it")
        }
        workload = String(object.name.dropLast(id.count + 1))
        rootID = plugin["rootId"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        do {
            configuration = try plugin["configuration"].flatMap {
                value throws(WrappedConfiguration.Problem) in
                try WrappedConfiguration.unwrap(value)
            }
        } catch {
            throw Edited(error.message("configuration"))
        }
        let machine = try Fields(plugin["vmConfig"], "vmConfig", ["runtime", "code", "vmId"])
        try machine.expect("runtime", ["envoy.wasm.runtime.v8"])
        let vmID = machine["vmId"]?.string ?? ""
        self.vmID = vmID.isEmpty || vmID == id ? nil : vmID
        module = try Self.module(machine["code"])
    }

    private static func traffic(_ match: JSONValue?) throws(Edited) -> FilterDeploymentFile.PatchContext {
        let match = try Fields(match, "match", ["context", "listener"])
        let listener = try Fields(match["listener"], "match.listener", ["filterChain"])
        let chain = try Fields(listener["filterChain"], "match.listener.filterChain", ["filter"])
        let filter = try Fields(chain["filter"], "match.listener.filterChain.filter", ["name", "subFilter"])
        try filter.expect(
            "name", ["envoy.http_connection_manager", "envoy.filters.network.http_connection_manager"])
        let router = try Fields(filter["subFilter"], "subFilter", ["name"])
        try router.expect("name", ["envoy.router", "envoy.filters.http.router"])
        switch match["context"]?.string {
        case "SIDECAR_INBOUND": return .inbound
        case "SIDECAR_OUTBOUND": return .outbound
        case "GATEWAY": return .gateway
        // The first value of an enumeration is left out (protobuf's JSON).
        case "ANY", nil: return .any
        case let other?: throw Edited("\"match.context\" is \"\(other)\"")
        }
    }

    /// The configuration of the plugin: typed since Istio 1.7, before that a plain structure.
    private static func plugin(_ value: JSONValue?) throws(Edited) -> Fields {
        let filter = try Fields(value, "the patch's value", ["name", "typedConfig", "config"])
        try filter.expect("name", ["envoy.filters.http.wasm"])
        let wasm: Fields
        if let typed = filter["typedConfig"] {
            let message = try Fields(typed, "typedConfig", ["@type", "typeUrl", "value"])
            try message.expect("@type", ["type.googleapis.com/udpa.type.v1.TypedStruct"])
            try message.expect(
                "typeUrl", ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"])
            wasm = try Fields(message["value"], "typedConfig.value", ["config"])
        } else {
            wasm = try Fields(filter["config"], "config", ["config"])
        }
        return try Fields(
            wasm["config"], "the plugin's configuration", ["name", "rootId", "configuration", "vmConfig"])
    }

    private static func module(_ code: JSONValue?) throws(Edited) -> Digest {
        let code = try Fields(code, "code", ["local"])
        let local = try Fields(code["local"], "code.local", ["filename"])
        let path = local["filename"]?.string ?? ""
        let folder = OriginalWasme.cacheFolder + "/"
        guard path.hasPrefix(folder),
            let digest = Digest("sha256:\(path.dropFirst(folder.count))")
        else { throw Edited("\"\(path)\" is not called by the digest of a module") }
        return digest
    }
}

/// The members of a message, in camelCase or snake_case, and no others than it may have.
private struct Fields {
    private var values: [String: JSONValue] = [:]
    private let path: String

    init(
        _ value: JSONValue?, _ path: String, _ allowed: Set<String>
    ) throws(OriginalEnvoyFilter.Edited) {
        self.path = path
        guard let object = value?.object else { throw .init("\"\(path)\" is missing") }
        for (name, value) in object.members {
            let parts = name.split(separator: "_")
            let plain = parts.prefix(1).joined() + parts.dropFirst().map(\.capitalized).joined()
            guard allowed.contains(plain), values[plain] == nil else {
                throw .init("\"\(path)\" has the field \"\(name)\", which the original did not write")
            }
            values[plain] = value
        }
    }

    subscript(name: String) -> JSONValue? { values[name] }

    func expect(_ name: String, _ allowed: [String]) throws(OriginalEnvoyFilter.Edited) {
        let text = values[name]?.string ?? ""
        guard !allowed.contains(text) else { return }
        throw .init(
            text.isEmpty
                ? "\"\(path)\" lacks the field \"\(name)\""
                : "the field \"\(name)\" in \"\(path)\" is \"\(text)\"")
    }
}

extension Substring {
    /// With its first letter as a capital.
    fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
