// SPDX-License-Identifier: Apache-2.0

/// A configuration entry of Consul, in its own language (HCL 1) and in its own case.
enum ConsulEntry {
    /// What an entry that wasme has written says in its `Meta`, which Consul keeps and does not read
    /// (hashicorp/consul, `agent/structs`, `validateConfigEntryMeta`).
    static let owner = (key: "managed-by", value: "wasme")

    /// The comment at the beginning of an entry in HCL.
    static func firstLine(_ id: String) -> String { "# Written by wasme for the deployment \"\(id)\"." }

    /// What has names of the user's below it, which stay as they are.
    private static let free: Set = ["keyValues", "allowedCapabilities"]

    /// The fields of an object of Kubernetes as Consul's own entries have them.
    static func capitalised(_ value: ConfigValue) -> ConfigValue {
        switch value {
        case .list(let items): .list(items.map(capitalised))
        case .map(let fields):
            .map(
                fields.map { field in
                    .init(
                        key: capitalised(field.key),
                        value: free.contains(field.key) ? field.value : capitalised(field.value))
                })
        default: value
        }
    }

    private static func capitalised(_ name: String) -> String {
        ["sha256", "uri"].contains(name) ? name.uppercased() : name.prefix(1).uppercased() + name.dropFirst()
    }

    /// A document.
    static func hcl(_ fields: [ConfigValue.Field]) -> String {
        fields.map { "\(key($0.key)) = \(hcl($0.value, indentation: ""))\n" }.joined()
    }

    private static func hcl(_ value: ConfigValue, indentation: String) -> String {
        let inner = indentation + "  "
        switch value {
        case .string(let text): return quoted(text)
        case .list([]): return "[]"
        case .map([]): return "{}"
        case .list(let items):
            let lines = items.map { "\(inner)\(hcl($0, indentation: inner)),\n" }.joined()
            return "[\n\(lines)\(indentation)]"
        case .map(let fields):
            let lines = fields.map { "\(inner)\(key($0.key)) = \(hcl($0.value, indentation: inner))\n" }
            return "{\n\(lines.joined())\(indentation)}"
        default: return value.jsonLines(unit: nil)[0]
        }
    }

    private static func key(_ name: String) -> String {
        let isPlain =
            name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == UInt8(ascii: "_")
            } && name.utf8.first.map { !(0x30...0x39).contains($0) } == true
        return isPlain ? name : quoted(name)
    }

    /// A string; `${` would begin an interpolation, and is written so that it does not.
    private static func quoted(_ text: String) -> String {
        ConfigValue.string(text).jsonLines(unit: nil)[0].replacing("${", with: "\\u0024{")
    }
}
