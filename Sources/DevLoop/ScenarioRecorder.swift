// SPDX-License-Identifier: Apache-2.0

private import Deployment
package import FilterProxy
private import Foundation
private import JSON
private import OCI

/// Turns requests that went through a filter into tests for `tests.yaml`.
///
/// What is expected is what the filter did: the status, the headers that it added, changed or removed on both ways, and
/// bodies that are text. What services answered that the filter called by itself is not seen, and not in the tests.
package struct ScenarioRecorder: Sendable {
    private let configuration: String?
    private let keepsSecrets: Bool
    private var recorded: [Digest: SeenRequest] = [:]
    private var order: [Digest] = []
    /// Headers of responses whose values differ between requests that are the same.
    private var varying: [Digest: Set<String>] = [:]

    /// Tests in one file, at most; what comes later is left out.
    package static let maximumTests = 200

    /// Why a request is not among the tests, as in "its body is longer than what is kept".
    package private(set) var leftOut: [String] = []

    /// - Parameters:
    ///   - configuration: what the filter was configured with.
    ///   - keepsSecrets: whether values of headers such as `authorization` are written down.
    package init(configuration: String?, keepsSecrets: Bool = false) {
        self.configuration = configuration
        self.keepsSecrets = keepsSecrets
    }

    /// How many tests there are.
    package var count: Int { order.count }

    /// Takes in a request; of those that are the same, one becomes a test.
    package mutating func add(_ exchange: StreamExchange) {
        let seen = SeenRequest(exchange, log: nil)
        let title = "\(seen.method) \(seen.path)"
        if let obstacle = seen.obstacle { return leftOut.append("\(title): \(obstacle)") }
        guard exchange.before.status != nil else { return leftOut.append("\(title): it got no response") }
        let identity = seen.identity
        if let known = recorded[identity] {
            let differences = HeaderDifference.between(
                known.exchange.before.response.headers, exchange.before.response.headers,
                where: HeaderKinds.isOfResponse)
            varying[identity, default: []].formUnion(differences.map(\.name))
            return
        }
        guard order.count < Self.maximumTests else {
            return leftOut.append("\(title): there are \(Self.maximumTests) tests already")
        }
        recorded[identity] = seen
        order.append(identity)
    }

    /// The file; nil if there is no test.
    package var yaml: String? {
        guard !order.isEmpty else { return nil }
        var mask = SecretMask()
        if !keepsSecrets {
            for seen in order.compactMap({ recorded[$0] }) { Self.learn(seen, &mask) }
        }
        var names: [String: Int] = [:]
        let tests: [ConfigValue] = order.compactMap { identity in
            recorded[identity].map { test($0, &names, mask, varying: varying[identity] ?? []) }
        }
        let file: ConfigValue = .map([.init(key: "tests", value: .list(tests))])
        let note =
            keepsSecrets
            ? "# Recorded by wasme test --record; secrets are as they were sent.\n"
            : "# Recorded by wasme test --record; secrets are replaced by placeholders.\n"
        return note + file.yamlLines.joined(separator: "\n") + "\n"
    }

    private static func learn(_ seen: SeenRequest, _ mask: inout SecretMask) {
        let records = [seen.exchange.before, seen.exchange.behind].compactMap(\.self)
        for message in records.flatMap({ [$0.request, $0.response] }) {
            for header in message.headers where SecretMask.isSecret(header.name) {
                mask.learn(header.name, header.value)
            }
        }
        mask.learn(path: seen.path)
    }

    // MARK: - One test

    private func test(
        _ seen: SeenRequest, _ names: inout [String: Int], _ mask: SecretMask, varying: Set<String>
    ) -> ConfigValue {
        let path = mask.masked(seen.path)
        let title = Self.escaped("\(seen.method) \(path)")
        names[title, default: 0] += 1
        let number = names[title] ?? 1
        var fields = [Self.field("name", .string(number == 1 ? title : "\(title) (\(number))"))]
        if let configuration { fields.append(Self.field("config", Self.config(mask.masked(configuration)))) }
        let behind = seen.exchange.behind
        if let answer = behind?.response, let status = behind?.status {
            var upstream = [Self.field("status", .integer(status))]
            upstream += headers(answer.headers.filter { HeaderKinds.isOfResponse($0.name) }, mask)
            upstream += body(answer.body, mask)
            fields.append(Self.field("upstream", .map(upstream)))
        }
        var request = [Self.field("method", .string(seen.method)), Self.field("path", text(path))]
        request += headers(
            seen.clientHeaders.filter { !HeaderKinds.ofConnections.contains($0.name) }, mask)
        request += body(seen.body, mask)
        fields.append(Self.field("request", .map(request)))
        fields.append(Self.field("expect", .map(expectation(seen, mask, varying: varying))))
        return .map(fields)
    }

    private func expectation(
        _ seen: SeenRequest, _ mask: SecretMask, varying: Set<String>
    ) -> [ConfigValue.Field] {
        let (before, behind) = (seen.exchange.before, seen.exchange.behind)
        var fields = [Self.field("status", .integer(before.status ?? 0))]
        var response = patterns(seen.responseChanges, mask, varying: varying)
        if !before.response.isTruncated, !before.response.body.isEmpty,
            let text = Self.plain(before.response.body)
        {
            response.append(Self.field("body", self.text(mask.masked(text))))
        }
        if !response.isEmpty { fields.append(Self.field("response", .map(response))) }
        var upstream: [ConfigValue.Field] = []
        if let behind {
            for (name, pseudo) in [("method", ":method"), ("path", ":path")] {
                let value = behind.request.header(pseudo)
                if value != before.request.header(pseudo), let value {
                    upstream.append(Self.field(name, text(mask.masked(value))))
                }
            }
            upstream += patterns(
                seen.requestChanges.filter { !$0.name.hasPrefix(":") && HeaderKinds.isOfRequest($0.name) },
                mask, varying: [])
            if seen.changesRequestBody, !behind.request.isTruncated,
                let text = Self.plain(behind.request.body)
            {
                upstream.append(Self.field("body", self.text(mask.masked(text))))
            }
        } else {
            upstream.append(Self.field("count", 0))
        }
        if !upstream.isEmpty { fields.append(Self.field("upstream", .map(upstream))) }
        return fields
    }

    private func patterns(
        _ changes: [HeaderDifference], _ mask: SecretMask, varying: Set<String>
    ) -> [ConfigValue.Field] {
        let headers = changes.filter { !$0.name.hasPrefix(":") }.map { change -> ConfigValue.Field in
            let pattern: ConfigValue =
                change.new.isEmpty
                ? ["present": false]
                : varying.contains(change.name)
                    ? ["present": true]
                    : text(change.new.map { mask.masked(change.name, $0) }.joined(separator: ", "))
            return Self.field(change.name, pattern)
        }
        return headers.isEmpty ? [] : [Self.field("headers", .map(headers))]
    }

    // MARK: - Values

    private static func field(_ name: String, _ value: ConfigValue) -> ConfigValue.Field {
        .init(key: name, value: value)
    }

    private func headers(_ headers: [StreamRecord.Header], _ mask: SecretMask) -> [ConfigValue.Field] {
        var names: [String] = []
        for header in headers where !header.name.hasPrefix(":") && !names.contains(header.name) {
            names.append(header.name)
        }
        let fields = names.map { name -> ConfigValue.Field in
            let values = headers.filter { $0.name == name }.map { text(mask.masked(name, $0.value)) }
            return Self.field(name, values.count == 1 ? values[0] : .list(values))
        }
        return fields.isEmpty ? [] : [Self.field("headers", .map(fields))]
    }

    private func body(_ bytes: [UInt8], _ mask: SecretMask) -> [ConfigValue.Field] {
        guard !bytes.isEmpty else { return [] }
        guard let text = Self.plain(bytes) else {
            return [Self.field("body", ["base64": .string(Data(bytes).base64EncodedString())])]
        }
        return [Self.field("body", self.text(mask.masked(text)))]
    }

    private func text(_ text: String) -> ConfigValue { .string(Self.escaped(text)) }

    /// A text in which nothing stands for a variable.
    private static func escaped(_ text: String) -> String { text.replacing("${", with: "$${") }

    /// A body that is text; nil if it is none.
    private static func plain(_ bytes: [UInt8]) -> String? {
        bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    /// A configuration as YAML where that keeps every value, and as it is where it does not.
    private static func config(_ text: String) -> ConfigValue {
        guard let json = try? JSONValue(parsing: text), json.object != nil, let value = value(json) else {
            return .string(escaped(text))
        }
        return value
    }

    private static func value(_ json: JSONValue) -> ConfigValue? {
        switch json {
        case .null: return nil
        case .bool(let flag): return .boolean(flag)
        case .number(let number): return Int(number.description).map { .integer($0) }
        case .string(let text): return .string(escaped(text))
        case .array(let elements):
            let values = elements.compactMap(value)
            return values.count == elements.count ? .list(values) : nil
        case .object(let object):
            let fields = object.members.compactMap { member in
                value(member.value).map { field(member.name, $0) }
            }
            return fields.count == object.count ? .map(fields) : nil
        }
    }
}
