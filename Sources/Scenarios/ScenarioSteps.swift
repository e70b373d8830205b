// SPDX-License-Identifier: Apache-2.0

import FilterProject
import JSON
import YAML

extension Step {
    init(_ fields: inout ScenarioFields, _ context: ServiceContext) throws {
        let line = fields.node.line
        let delay = try fields.duration("after") ?? .zero
        let count = try fields.integer("repeat", in: 1...10_000) ?? 1
        let stimuli = ["request", "connection", "wait"].filter { fields.peek($0) != nil }
        if stimuli.count > 1 {
            throw fields.error(
                "\"\(stimuli[0])\" and \"\(stimuli[1])\" in one step", at: fields.peek(stimuli[1]),
                hint: "make two steps of it")
        }
        let stimulus: Stimulus
        if let request = try fields.fields("request") {
            stimulus = .request(try ScenarioRequest(request))
        } else if var connection = try fields.fields("connection") {
            stimulus = .connection(sends: try connection.list("send").map(connection.bodyParts) ?? [])
            try connection.finish()
        } else if let time = try fields.duration("wait") {
            stimulus = .wait(time)
        } else {
            throw fields.error(
                "expected a \"request\", a \"connection\", a \"wait\", \"steps\" or \"refused\"",
                hint: "say what happens to the filter, as in request: {path: /}")
        }
        let expect = try fields.fields("expect")
        let expectation = try expect.map { try Expectation($0, of: stimulus, context) } ?? Expectation()
        try context.check(for: stimulus, in: fields.file)
        self.line = line
        self.delay = delay
        self.count = count
        upstream = context.upstream?.script ?? ServiceScript(answers: [ServiceAnswer(.http(.init()))])
        services = context.services.mapValues(\.script)
        self.stimulus = stimulus
        self.expectation = expectation
    }
}

extension ServiceContext {
    /// Throws if the upstream answers in another language than it is spoken to.
    fileprivate func check(for stimulus: Step.Stimulus, in file: String) throws {
        guard let upstream else { return }
        for answer in upstream.script.answers {
            switch (stimulus, answer.kind) {
            case (.request, .bytes):
                throw ScenarioError(
                    upstream.node, in: file, "\"bytes\" are no answer to an HTTP request",
                    hint: "write status, headers and body")
            case (.connection, .http), (.connection, .grpc), (.connection, .cut):
                throw ScenarioError(
                    upstream.node, in: file, "an HTTP answer to a connection that sends bytes",
                    hint: "write what is answered as \"bytes\"")
            default: break
            }
        }
    }
}

extension ScenarioRequest {
    fileprivate init(_ node: ScenarioFields) throws {
        self.init()
        var fields = node
        let version = try fields.choice("protocol", ScenarioProtocol.allCases.map { ($0.rawValue, $0) })
        headers = try fields.headers("headers")
        if let call = try fields.fields("grpc") {
            try fields.refuse(
                ["method", "path", "body", "json", "chunks", "trailers"],
                { "\"\($0)\" beside \"grpc\", which says it already" })
            guard version != .http1 else { throw fields.error("gRPC needs HTTP/2", at: call.node) }
            try becomeCall(call)
        } else {
            self.protocol = version ?? self.protocol
            method = try fields.take("method").map { try fields.token($0, "a method") } ?? method
            path = try fields.take("path").map { try fields.path($0) } ?? path
            body = try fields.body(&headers)
            trailers = try fields.headers("trailers")
        }
        try fields.finish()
    }

    /// "gRPC over HTTP/2", the requests of the specification.
    private mutating func becomeCall(_ node: ScenarioFields) throws {
        var fields = node
        self.protocol = .http2
        method = "POST"
        let service = fields.take("service")
        let name = fields.take("method")
        switch (fields.take("path"), service, name) {
        case (.some(let path), nil, nil): self.path = try fields.path(path)
        case (nil, .some(let service), .some(let name)):
            self.path = "/\(try fields.token(service, "a service"))/\(try fields.token(name, "a method"))"
        default:
            throw fields.error("expected either \"path\" or both \"service\" and \"method\"")
        }
        let message = fields.take("message")
        let messages = try fields.list("messages")
        if let message, messages != nil {
            throw fields.error("\"message\" and \"messages\" in one call", at: message)
        }
        try fields.finish()
        for part in try fields.bodyParts(messages ?? message.map { [$0] } ?? []) {
            guard let content = part.content else {
                body.append(part)
                continue
            }
            // A length-prefixed message: not compressed, four bytes of length, the message.
            let length = (0..<4).map { UInt8(truncatingIfNeeded: content.count >> (24 - 8 * $0)) }
            body.append(.bytes([0] + length + content))
        }
        for (name, value) in [("content-type", "application/grpc"), ("te", "trailers")]
        where !headers.contains(where: { $0.name.lowercased() == name }) {
            headers.append((name, value))
        }
    }
}

/// What requests and answers are made of.
extension ScenarioFields {
    /// The members of a mapping of texts, several values of one name as a list.
    mutating func headers(_ name: String) throws -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for (key, value) in try entries(name) {
            let name = try token(key, "a header")
            let values: [YAMLNode] = if case .list(let elements) = value.content { elements } else { [value] }
            for node in values {
                let value = try text(node)
                guard !value.unicodeScalars.contains(where: { "\r\n\0".unicodeScalars.contains($0) }) else {
                    throw error("a header's value cannot have a line break in it", at: node)
                }
                headers.append((name, value))
            }
        }
        return headers
    }

    /// The body, as a text, as JSON or in chunks; JSON brings its content type along.
    mutating func body(_ headers: inout [(name: String, value: String)]) throws -> [BodyPart] {
        let written = ["body", "json", "chunks"].filter { peek($0) != nil }
        if written.count > 1 {
            throw error("\"\(written[0])\" and \"\(written[1])\" in one message", at: peek(written[1]))
        }
        let body = try take("body").map(bodyPart)
        let json = take("json")
        let chunksNode = peek("chunks")
        let chunks = try list("chunks").map(bodyParts)
        if let body { return [body] }
        if let json {
            if !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
                headers.append(("content-type", "application/json"))
            }
            return [.text(json.json.description)]
        }
        if let chunks, !chunks.contains(where: { $0.content != nil }) {
            throw error("expected at least one chunk, found none", at: chunksNode)
        }
        return chunks ?? []
    }

    /// A name as HTTP has them (RFC 9110, section 5.6.2).
    func token(_ node: YAMLNode, _ what: String) throws -> String {
        let text = node.text ?? ""
        let marks = "!#$%&'*+-.^_`|~"
        let isToken = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || marks.contains($0)) }
        guard node.isScalar, isToken, !text.isEmpty else {
            throw error("\(node.phrase) is no name of \(what)", at: node)
        }
        return text
    }

    func path(_ node: YAMLNode) throws -> String {
        let text = try text(node)
        guard text.hasPrefix("/") || text == "*", text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
            throw error("expected a path from / on, without spaces, found \(node.phrase)", at: node)
        }
        return text
    }
}
