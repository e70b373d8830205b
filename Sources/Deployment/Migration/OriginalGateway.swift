// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI

/// A filter in the list of a `Gateway` of Gloo, as the original wasme put it there
/// (solo-io/gloo, `projects/gloo/api/v1/options/wasm/wasm.proto`).
package struct OriginalGatewayFilter: Hashable, Sendable {
    /// The gateway.
    package let object: OriginalObject
    package let name: String
    let filter: FilterDeploymentFile.Filter
    let options: GlooOptions

    /// Reads the filters of a gateway that no deployment of ours has put there.
    /// - Returns: the filters, and for each that cannot be taken over the reason.
    static func read(_ object: OriginalObject) -> (filters: [OriginalGatewayFilter], problems: [String]) {
        guard object.kind == "Gateway", object.group == "gateway.solo.io" else { return ([], []) }
        let path = GlooTarget().listPath
        let list = path.reduce(Optional(JSONValue.object(object.json))) { $0?.object?[$1] }?.array ?? []
        let ours = Set(KubernetesStamp.deployments(in: .object(object.json)))
        var filters: [OriginalGatewayFilter] = []
        var problems: [String] = []
        for item in list {
            let name = item.object?["name"]?.string ?? ""
            guard !ours.contains(name) else { continue }
            do {
                filters.append(try OriginalGatewayFilter(item.object ?? JSONObject(), in: object))
            } catch {
                problems.append("its filter \"\(name)\": \(error.reason)")
            }
        }
        return (filters, problems)
    }

    private init(
        _ item: JSONObject, in object: OriginalObject
    ) throws(OriginalEnvoyFilter.Edited) {
        let known = ["image", "name", "rootId", "config", "vmType", "filterStage", "failOpen"]
        if let other = item.names.first(where: { !known.contains($0) }) {
            throw .init("it has the field \"\(other)\", which the original did not write")
        }
        self.object = object
        name = item["name"]?.string ?? ""
        // Its item in the list is known by its name, which is the id of the deployment.
        guard KubernetesNames.isDNSLabel(name) else {
            throw .init("\"\(name)\" cannot be the id of a deployment")
        }
        let text = item["image"]?.string ?? ""
        guard let image = try? Reference(text) else { throw .init("\"\(text)\" is no image") }
        guard ["V8", nil].contains(item["vmType"]?.string) else {
            throw .init("\"vmType\" is not V8")
        }
        var filter = FilterDeploymentFile.Filter(image: image)
        filter.rootID = item["rootId"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        do {
            filter.configuration = try item["config"].flatMap { value throws(WrappedConfiguration.Problem) in
                try WrappedConfiguration.unwrap(value)
            }
        } catch {
            throw .init(error.message("config"))
        }
        if item["failOpen"] == .bool(true) { filter.failurePolicy = .open }
        self.filter = filter
        var options = GlooOptions()
        options.gateway = object.name
        if let stage = item["filterStage"]?.object {
            guard let known = stage["stage"]?.string.flatMap({ GlooOptions.Stage(rawValue: $0) }) else {
                throw .init("\"filterStage\" is not known")
            }
            options.stage = known
            options.predicate =
                stage["predicate"]?.string.flatMap { GlooOptions.Predicate(rawValue: $0) } ?? .during
        }
        self.options = options
    }

    /// What deploys the same.
    var document: FilterDeploymentFile {
        var place = KubernetesPlace()
        place.namespace = object.namespace
        var file = FilterDeploymentFile(name: name, filter: filter, target: .gloo(place, options))
        file.namespace = object.namespace
        return file
    }
}
