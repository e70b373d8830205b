// SPDX-License-Identifier: Apache-2.0

/// Which names and labels an API server takes (Kubernetes, "Object Names and IDs", "Labels and Selectors").
package enum KubernetesNames {
    /// The id of a deployment is the name of its object and the value of a label: a label of DNS (RFC 1123 §2.1).
    package static func check(id: String) throws {
        guard !isDNSLabel(id) else { return }
        let meant = dnsLabel(id)
        throw DeploymentError(
            .invalid,
            id.utf8.count > 63
                ? "the id \"\(id)\" has \(id.utf8.count) characters; on Kubernetes it may have 63"
                : "\"\(id)\" cannot be the id of a deployment on Kubernetes",
            hint: "use lower-case letters, digits and '-', a letter or digit first and last"
                + (meant.isEmpty ? "" : ": --id \(meant)"))
    }

    package static func check(namespace: String) throws {
        guard !isDNSLabel(namespace) else { return }
        throw DeploymentError(
            .invalid, "\"\(namespace)\" cannot be the name of a namespace",
            hint: "use lower-case letters, digits and '-', at most 63")
    }

    /// The name of an object that others have made.
    package static func check(name: String, of what: String) throws {
        guard !isDNSSubdomain(name) else { return }
        throw DeploymentError(
            .invalid, "\"\(name)\" cannot be the name of \(what)",
            hint: "use lower-case letters, digits, '-' and '.', at most 253")
    }

    package static func check(labels: [String: String]) throws {
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            guard isLabelKey(key) else {
                throw DeploymentError(
                    .invalid, "\"\(key)\" cannot be the key of a label",
                    hint:
                        "use at most 63 letters, digits, '-', '_' and '.', perhaps after a DNS name and a '/'"
                )
            }
            guard isLabelValue(value) else {
                throw DeploymentError(
                    .invalid,
                    value.utf8.count > 63
                        ? "the label \"\(key)\" cannot have a value of \(value.utf8.count) characters: 63 are the limit"
                        : "the label \"\(key)\" cannot have the value \"\(value)\"",
                    hint: "use letters, digits, '-', '_' and '.', a letter or digit first and last")
            }
        }
    }

    /// What comes nearest to a text among the names that are taken; empty if nothing does.
    package static func dnsLabel(_ text: String) -> String {
        var label: [UInt8] = []
        for byte in text.lowercased().utf8 {
            label.append(isAlphanumeric(byte) ? byte : UInt8(ascii: "-"))
        }
        let start = label.drop { $0 == UInt8(ascii: "-") }.prefix(63)
        let end = start.lastIndex { $0 != UInt8(ascii: "-") }.map { start[start.startIndex...$0] } ?? []
        return String(decoding: end, as: UTF8.self)
    }

    static func isDNSLabel(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return (1...63).contains(bytes.count)
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
            && bytes.first != UInt8(ascii: "-") && bytes.last != UInt8(ascii: "-")
    }

    static func isDNSSubdomain(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
                isDNSLabel(String($0))
            }
    }

    static func isLabelKey(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard let name = parts.last, parts.count <= 2, !name.isEmpty, isLabelValue(name) else { return false }
        return parts.count == 1 || isDNSSubdomain(parts[0])
    }

    static func isLabelValue(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isLetterOrDigit(_ byte: UInt8) -> Bool {
            isAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
        guard let first = bytes.first, let last = bytes.last else { return true }
        return bytes.count <= 63 && isLetterOrDigit(first) && isLetterOrDigit(last)
            && bytes.allSatisfy {
                isLetterOrDigit($0)
                    || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains($0)
            }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
