// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI

/// A deployment in a line of a history: every field, and nothing of what the host makes of it.
extension FilterDeployment {
    var json: JSONValue {
        var object = JSONObject()
        object["id"] = .string(id)
        object["image"] = image.map { .string("\($0)") }
        object["digest"] = .string("\(digest)")
        object["kind"] = .string(kind.rawValue)
        if !rootID.isEmpty { object["rootID"] = .string(rootID) }
        if !vmID.isEmpty { object["vmID"] = .string(vmID) }
        object["configuration"] = configuration.map { .string($0) }
        object["vmConfiguration"] = vmConfiguration.map { .string($0) }
        if !environment.isEmpty {
            var variables = JSONObject()
            for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
                switch value {
                case .value(let text): variables[name] = .string(text)
                case .host: variables[name] = .null
                }
            }
            object["environment"] = .object(variables)
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
        return .object(object)
    }

    /// Reads it; nil if it is not whole.
    init?(json: JSONValue) {
        guard let object = json.object, let id = object["id"]?.string,
            let digest = object["digest"]?.string.flatMap({ Digest($0) }),
            let kind = object["kind"]?.string.flatMap(EnvoyPlugin.Kind.init(rawValue:))
        else { return nil }
        self.init(id: id, image: object["image"]?.string.flatMap { try? Reference($0) }, digest: digest)
        self.kind = kind
        rootID = object["rootID"]?.string ?? ""
        vmID = object["vmID"]?.string ?? ""
        configuration = object["configuration"]?.string
        vmConfiguration = object["vmConfiguration"]?.string
        for (name, value) in object["environment"]?.object?.members ?? [] {
            environment[name] = value.string.map { .value($0) } ?? .host
        }
        failurePolicy = object["failurePolicy"]?.string.flatMap(EnvoyPlugin.FailurePolicy.init(rawValue:))
        capabilities = object["capabilities"]?.array?.compactMap(\.string)
        phase = object["phase"]?.string.flatMap(Phase.init(rawValue:))
        priority = object["priority"]?.int
        match = (object["match"]?.array ?? []).compactMap { part in
            guard let mode = part.object?["mode"]?.string.flatMap(TrafficMatch.Mode.init(rawValue:)) else {
                return nil
            }
            return TrafficMatch(mode: mode, ports: part.object?["ports"]?.array?.compactMap(\.int) ?? [])
        }
    }
}
