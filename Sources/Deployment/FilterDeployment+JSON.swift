// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI

/// A deployment in a history, that of a slot or that of an object: every field, and nothing of what the host makes of it.
extension FilterDeployment {
    /// All but the id, by the names that a file has for them; what is not said is not there.
    var members: [(name: String, value: JSONValue)] {
        var object = JSONObject()
        object["digest"] = .string(digest.description)
        object["image"] = image.map { .string($0.description) }
        if kind != .http { object["type"] = .string(kind.rawValue) }
        if !rootID.isEmpty { object["rootID"] = .string(rootID) }
        if !vmID.isEmpty { object["vmID"] = .string(vmID) }
        object["config"] = configuration.map { .string($0) }
        object["vmConfig"] = vmConfiguration.map { .string($0) }
        if !environment.isEmpty {
            var variables = JSONObject()
            for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
                switch value {
                case .value(let text): variables[name] = .string(text)
                case .host: variables[name] = .null
                }
            }
            object["env"] = .object(variables)
        }
        object["failurePolicy"] = failurePolicy.map { .string($0.rawValue) }
        object["capabilities"] = capabilities.map { .array($0.map { .string($0) }) }
        object["phase"] = phase.map { .string($0.rawValue) }
        object["priority"] = priority.map { .integer($0) }
        if !match.isEmpty {
            object["match"] = .array(
                match.map { part in
                    .object([
                        "mode": .string(part.mode.rawValue), "ports": .array(part.ports.map { .integer($0) }),
                    ])
                })
        }
        return object.members
    }

    /// Reads `members`, also by the names that older versions wrote into slots; nil if they are not understood.
    init?(id: String, members object: JSONObject) {
        guard let digest = object["digest"]?.string.flatMap({ Digest($0) }) else { return nil }
        self.init(id: id, image: object["image"]?.string.flatMap { try? Reference($0) }, digest: digest)
        if let text = (object["type"] ?? object["kind"])?.string {
            guard let kind = EnvoyPlugin.Kind(rawValue: text) else { return nil }
            self.kind = kind
        }
        rootID = object["rootID"]?.string ?? ""
        vmID = object["vmID"]?.string ?? ""
        configuration = (object["config"] ?? object["configuration"])?.string
        vmConfiguration = (object["vmConfig"] ?? object["vmConfiguration"])?.string
        for (name, value) in (object["env"] ?? object["environment"])?.object?.members ?? [] {
            environment[name] = value.string.map { .value($0) } ?? .host
        }
        if let text = object["failurePolicy"]?.string {
            guard let policy = EnvoyPlugin.FailurePolicy(rawValue: text) else { return nil }
            failurePolicy = policy
        }
        capabilities = object["capabilities"]?.array?.compactMap(\.string)
        if let text = object["phase"]?.string {
            guard let phase = Phase(rawValue: text) else { return nil }
            self.phase = phase
        }
        priority = object["priority"]?.int
        for part in object["match"]?.array ?? [] {
            guard let part = part.object,
                let mode = part["mode"]?.string.flatMap({ TrafficMatch.Mode(rawValue: $0) })
            else { return nil }
            match.append(TrafficMatch(mode: mode, ports: part["ports"]?.array?.compactMap(\.int) ?? []))
        }
    }

    /// The whole, with its id.
    var json: JSONValue {
        var object = JSONObject()
        object["id"] = .string(id)
        for member in members { object[member.name] = member.value }
        return .object(object)
    }

    /// Reads it; nil if it is not understood.
    init?(json: JSONValue) {
        guard let object = json.object, let id = object["id"]?.string else { return nil }
        self.init(id: id, members: object)
    }
}
