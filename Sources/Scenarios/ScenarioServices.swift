// SPDX-License-Identifier: Apache-2.0

import FilterProject
import YAML

/// What is written about the servers around the proxy, in a file, a test or a step.
struct ServiceNodes {
    private var upstream: YAMLNode?
    private var services: YAMLNode?

    init(_ fields: inout ScenarioFields) {
        upstream = fields.take("upstream")
        services = fields.take("services")
    }

    /// Whether it says something else for each case.
    var needsVariables: Bool {
        [upstream, services].compactMap(\.self).contains(where: ScenarioVariables.isNeeded)
    }

    func expanded(
        by variables: ScenarioVariables, _ budget: inout ScenarioVariables.Budget
    ) throws -> ServiceNodes {
        var nodes = self
        nodes.upstream = try upstream.map { try variables.expanded($0, &budget) }
        nodes.services = try services.map { try variables.expanded($0, &budget) }
        return nodes
    }

    fileprivate func scripts(in file: String) throws -> (WrittenScript?, [(String, WrittenScript)]) {
        let scripts: [(String, WrittenScript)]? = try services.map { node in
            guard case .map(let members) = try ScenarioFields(node, in: file).node.content else { return [] }
            return try members.map { key, value in
                let name = key.text ?? ""
                guard !name.isEmpty else { throw ScenarioError(key, in: file, "a service needs a name") }
                // Clusters of these names are there already.
                guard name != "upstream", !name.hasPrefix("wasme.") else {
                    throw ScenarioError(
                        key, in: file, "no service can be named \"\(name)\"",
                        hint: name == "upstream"
                            ? "the server behind the proxy stands beside \"services\", as \"upstream\""
                            : "choose a name that does not begin with \"wasme.\"")
                }
                return (name, try WrittenScript(value, in: file))
            }
        }
        return (try upstream.map { try WrittenScript($0, in: file) }, scripts ?? [])
    }
}

/// What a server answers, and where that is written.
struct WrittenScript {
    let script: ServiceScript
    let node: YAMLNode

    init(_ node: YAMLNode, in file: String) throws {
        self.node = node
        if case .list(let elements) = node.content {
            guard !elements.isEmpty else {
                throw ScenarioError(node, in: file, "expected at least one answer, found none")
            }
            script = ServiceScript(answers: try elements.map { try ServiceAnswer($0, in: file) })
        } else {
            script = ServiceScript(answers: [try ServiceAnswer(node, in: file)])
        }
    }
}

/// What the servers around the proxy answer, as a step inherits it from its test and that from its file.
struct ServiceContext {
    private(set) var upstream: WrittenScript?
    private(set) var services: [String: WrittenScript] = [:]

    init() {}

    init(_ nodes: ServiceNodes, inheriting outer: ServiceContext, in file: String) throws {
        self = outer
        let (upstream, services) = try nodes.scripts(in: file)
        if let upstream { self.upstream = upstream }
        for (name, script) in services { self.services[name] = script }
    }
}

extension ServiceAnswer {
    fileprivate init(_ node: YAMLNode, in file: String) throws {
        var fields = try ScenarioFields(node, in: file)
        let delay = try fields.duration("delay") ?? .zero
        let faults: [(String, Fault)] = [("hang", .hang), ("close", .close), ("cut", .cut)]
        if let fault = try fields.choice("fault", faults) {
            switch fault {
            case .hang: kind = .hang
            case .close: kind = .close
            case .cut: kind = .cut(try Message(&fields))
            }
            try fields.refuse(
                ["status", "headers", "body", "json", "chunks", "trailers", "bytes", "grpc"],
                { "\"\($0)\" beside a fault that gives no answer" },
                hint: "\"fault: cut\" ends an answer in the middle of its body")
        } else if let node = fields.take("bytes") {
            if case .list(let parts) = node.content {
                kind = .bytes(try fields.bodyParts(parts))
            } else {
                kind = .bytes([try fields.bodyPart(node)])
            }
        } else if var grpc = try fields.fields("grpc") {
            let status = try grpc.integer("status", in: 0...16) ?? 0
            let message = try grpc.text("message") ?? ""
            let reply = try grpc.take("reply").map { node in
                if status != 0 {
                    throw grpc.error("a call that fails with status \(status) has no reply", at: node)
                }
                return try grpc.bodyPart(node).content ?? []
            }
            kind = .grpc(status: status, message: message, reply: reply ?? [])
            try grpc.finish()
        } else {
            kind = .http(try Message(&fields))
        }
        try fields.finish()
        self.delay = delay
    }

    private enum Fault {
        case hang
        case close
        case cut
    }
}

extension ServiceAnswer.Message {
    fileprivate init(_ fields: inout ScenarioFields) throws {
        self.init()
        status = try fields.integer("status", in: 200...599) ?? 200
        headers = try fields.headers("headers")
        body = try fields.body(&headers)
        if [204, 205, 304].contains(status), !body.isEmpty {
            throw fields.error("an answer with status \(status) has no body")
        }
        trailers = try fields.headers("trailers")
    }
}
