// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl

/// A request that shows what a filter does: it is sent through the Envoys that have a change, and the answer is looked at.
///
///     GET /
///     GET /x expect status 200
///     GET /x host api.example expect header hello: world expect body contains "ok"
///     GET http://10.0.0.7:8080/x expect header hello
package struct EnvoyProbe: Hashable, Sendable, CustomStringConvertible {
    /// What an answer must be like.
    package enum Expectation: Hashable, Sendable {
        case status(Int)
        /// A header that is there; with a value, if one is given.
        case header(String, value: String?)
        case body(contains: String)
    }

    package let method: String
    package let path: String
    /// The host that is asked for; nil for the listener's address.
    package let host: String?
    /// Where it is sent; nil for the listeners that have the slot.
    package let place: HostPort?
    /// Without any, an answer that is no error of the server will do.
    package let expectations: [Expectation]
    package let description: String

    /// Reads a probe.
    /// - Throws: `DeploymentError` that names the part which is not understood.
    package init(_ text: String) throws {
        func bad(_ what: String) -> DeploymentError {
            DeploymentError(
                .invalid, "the probe \"\(text)\" is not understood: \(what)",
                hint:
                    "as in 'GET /x expect status 200', 'GET /x host api.example expect header hello: world' or 'GET / expect body contains ok'"
            )
        }
        description = text
        var clauses = text.split(separator: " expect ", omittingEmptySubsequences: false).map {
            $0.trimmed
        }
        let head = clauses.removeFirst().split(separator: " ").map { String($0) }
        guard head.count == 2 || head.count == 4 && head[2] == "host" else {
            throw bad("it begins with a method and a path, perhaps followed by 'host' and a name")
        }
        guard head[0].utf8.allSatisfy({ (0x41...0x5a).contains($0) || $0 == UInt8(ascii: "-") }) else {
            throw bad("\"\(head[0])\" is no method")
        }
        method = head[0]
        host = head.count == 4 ? head[3] : nil
        if head[1].hasPrefix("/") {
            (place, path) = (nil, head[1])
        } else if head[1].hasPrefix("http://") {
            let rest = head[1].dropFirst("http://".count)
            let end = rest.firstIndex(of: "/") ?? rest.endIndex
            let authority = rest[..<end]
            do {
                place = try HostPort(authority.contains(":") ? String(authority) : "\(authority):80")
            } catch { throw bad("\"\(authority)\" is no address") }
            path = end == rest.endIndex ? "/" : String(rest[end...])
        } else {
            throw bad("\"\(head[1])\" is neither a path nor an address that begins with http://")
        }
        expectations = try clauses.map { clause in
            guard let expectation = Expectation(clause) else {
                throw bad(
                    "\"\(clause)\" is none of 'status N', 'header NAME[: VALUE]' and 'body contains TEXT'")
            }
            return expectation
        }
    }

    /// What is wrong with an answer; nil if nothing is.
    package func complaint(about answer: EnvoyAnswer) -> String? {
        if expectations.isEmpty, answer.status >= 500 {
            return "it was answered with status \(answer.status)"
        }
        for expectation in expectations {
            switch expectation {
            case .status(let status):
                if answer.status != status {
                    return "it was answered with status \(answer.status), not \(status)"
                }
            case .header(let name, let value):
                let values = answer.values(of: name)
                let found =
                    values.isEmpty
                    ? "the answer, of status \(answer.status), has none"
                    : "it is \(values.map { "\"\($0)\"" }.joined(separator: " and "))"
                if let value {
                    if !values.contains(value) {
                        return "the header \"\(name)\" is not \"\(value)\": \(found)"
                    }
                } else if values.isEmpty {
                    return "the header \"\(name)\" is missing: \(found)"
                }
            case .body(let text):
                if answer.body.firstRange(of: Array(text.utf8)) == nil {
                    return "the answer's body, of \(answer.body.count) bytes, does not contain \"\(text)\""
                }
            }
        }
        return nil
    }
}

extension EnvoyProbe.Expectation {
    fileprivate init?(_ clause: String) {
        if clause.hasPrefix("status "), let status = Int(clause.dropFirst(7).trimmed),
            (100...599).contains(status)
        {
            self = .status(status)
        } else if clause.hasPrefix("header ") {
            let parts = clause.dropFirst(7).split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].trimmed
            guard !name.isEmpty, !name.contains(" ") else { return nil }
            self = .header(name.lowercased(), value: parts.count == 2 ? parts[1].trimmed : nil)
        } else if clause.hasPrefix("body contains ") {
            var text = clause.dropFirst(14).trimmed
            if text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") {
                text = String(text.dropFirst().dropLast())
            }
            guard !text.isEmpty else { return nil }
            self = .body(contains: text)
        } else {
            return nil
        }
    }
}

extension StringProtocol {
    fileprivate var trimmed: String {
        let start = drop { $0 == " " || $0 == "\t" }
        var end = String(start)
        while end.last == " " || end.last == "\t" { end.removeLast() }
        return end
    }
}
