// SPDX-License-Identifier: Apache-2.0

package import JSON

extension KubernetesTarget {
    /// What stands in a cluster already and gets in the way of a plan.
    /// - Parameters:
    ///   - plan: what is to be written.
    ///   - live: objects of the plan's kinds, as the API server has them.
    /// - Returns: warnings for people.
    /// - Throws: `DeploymentError` if the plan would take an object of others, or would be refused because of one.
    package func conflicts(of plan: KubernetesPlan, with live: [JSONValue]) throws -> [String] {
        var warnings: [String] = []
        for object in plan.objects where !object.isShared {
            for other in live {
                guard !other.isSameObject(as: object) else {
                    try Self.checkOwner(of: other, for: object)
                    continue
                }
                guard other.object?["kind"]?.string == object.kind,
                    other.object?["apiVersion"]?.string.map({ String($0.prefix { $0 != "/" }) })
                        == object.group
                else { continue }
                if object.kind == "EnvoyExtensionPolicy" {
                    try Self.checkTargets(of: object, other)
                } else if let warning = Self.order(of: object, other) {
                    warnings.append(warning)
                }
            }
        }
        return warnings
    }

    private static func checkOwner(of live: JSONValue, for object: KubernetesObject) throws {
        let id = live.metadata?["labels"]?.object?[KubernetesStamp.idLabel]?.string
        if KubernetesStamp.isOurs(live), id == nil || id == object.labels[KubernetesStamp.idLabel] { return }
        let manager = live.metadata?["labels"]?.object?[KubernetesStamp.managedBy.key]?.string
        throw DeploymentError(
            .foreign,
            "\(object.description) is there and is not wasme's" + (manager.map { ", but \"\($0)\"'s" } ?? ""),
            hint: "choose another --id, or delete it yourself if nobody needs it")
    }

    /// Of two policies for one route or gateway, Envoy Gateway takes the older and refuses the other (GEP-713).
    private static func checkTargets(of object: KubernetesObject, _ other: JSONValue) throws {
        guard object.namespace == nil || other.metadata?["namespace"]?.string == object.namespace else {
            return
        }
        let ours = Set(targets(ConfigValue.map(object.body)))
        guard let target = targets(ConfigValue(other)).first(where: ours.contains) else { return }
        let name = other.metadata?["name"]?.string ?? ""
        throw DeploymentError(
            .foreign,
            "\(target) has the EnvoyExtensionPolicy \"\(name)\" already, and Envoy Gateway takes only one",
            hint: "add the filter to that policy, or take it away first")
    }

    private static func targets(_ value: ConfigValue) -> [String] {
        guard case .list(let list)? = value["spec"]?["targetRefs"] else { return [] }
        return list.compactMap { target in
            guard case .string(let kind)? = target["kind"], case .string(let name)? = target["name"] else {
                return nil
            }
            var section = ""
            if case .string(let part)? = target["sectionName"] { section = " (\(part))" }
            return "\(kind) \"\(name)\"\(section)"
        }
    }

    /// Plugins of one phase and priority run in an order that nobody has chosen.
    private static func order(of object: KubernetesObject, _ other: JSONValue) -> String? {
        let ours = ConfigValue.map(object.body)["spec"] ?? [:]
        let theirs = other.object?["spec"].map { ConfigValue($0) } ?? [:]
        guard ["WasmPlugin", "TrafficExtension"].contains(object.kind),
            phase(ours) == phase(theirs), priority(ours) == priority(theirs),
            object.namespace == nil || other.metadata?["namespace"]?.string == object.namespace,
            mayShareProxy(ours, theirs)
        else { return nil }
        let name = other.metadata?["name"]?.string ?? ""
        let both = priority(ours).map { "the priority \($0)" } ?? "no priority"
        return
            "\"\(object.name)\" and \"\(name)\" both have \(both) in the same phase: their order is that of their names; give one of them --priority"
    }

    private static func phase(_ spec: ConfigValue) -> String {
        if case .string(let phase)? = spec["phase"], phase != "UNSPECIFIED_PHASE" { phase } else { "" }
    }

    private static func priority(_ spec: ConfigValue) -> String? {
        switch spec["priority"] {
        case .integer(let number)?: "\(number)"
        case .number(let number)?: number.description
        default: nil
        }
    }

    /// Whether both can be in one proxy: not if they ask for different values of one label, or for different targets.
    private static func mayShareProxy(_ left: ConfigValue, _ right: ConfigValue) -> Bool {
        let targets = (Set(targets(["spec": left])), Set(Self.targets(["spec": right])))
        if !targets.0.isEmpty, !targets.1.isEmpty { return !targets.0.isDisjoint(with: targets.1) }
        guard case .map(let ours)? = left["selector"]?["matchLabels"],
            let theirs = right["selector"]?["matchLabels"]
        else { return true }
        return !ours.contains { field in theirs[field.key].map { $0 != field.value } ?? false }
    }
}
