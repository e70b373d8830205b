// SPDX-License-Identifier: Apache-2.0

import FilterProject
import YAML

extension Expectation {
    /// Reads what is expected of a step, and refuses what can never be.
    init(_ node: ScenarioFields, of stimulus: Step.Stimulus, _ context: ServiceContext) throws {
        self.init()
        var fields = node
        try fields.refuseImpossible(for: stimulus)
        status = try fields.integer("status", in: 100...599)
        let hasResponse = fields.peek("response") != nil
        if var response = try fields.fields("response") {
            self.response = try MessageExpectation(&response)
            self.response.grpc = try response.fields("grpc").map { try GRPCExpectation($0) }
            try response.finish()
        }
        received = try fields.take("received").map(fields.bodyPattern)
        if let node = fields.take("closed") {
            guard try fields.flag(node) else {
                throw fields.error(
                    "\"closed\" can only be true: without it, a connection may be closed or not", at: node,
                    hint: "leave it out")
            }
            isClosed = true
            if case .request = stimulus, status != nil || hasResponse {
                throw fields.error(
                    "a connection that is closed without a response, and a response", at: node,
                    hint: "leave out one of them")
            }
        }
        atMost = try fields.duration("within")
        let least = fields.peek("not_before")
        atLeast = try fields.duration("not_before")
        if let atMost, let atLeast, atMost < atLeast {
            throw fields.error("expected a time that is both later and earlier", at: least)
        }
        let isTCP = if case .connection = stimulus { true } else { false }
        if let node = fields.take("upstream") {
            upstream = try CallExpectation(node, in: fields.file, isTCP: isTCP)
        }
        for (key, value) in try fields.entries("services") {
            let name = key.text ?? ""
            guard context.services[name] != nil else {
                let known = context.services.keys.sorted()
                throw fields.error(
                    "there is no service \"\(name)\" that could be called", at: key,
                    hint: known.isEmpty
                        ? "say what it answers: services: {\(name): {status: 200}}"
                        : "there are \(known.joined(separator: ", "))")
            }
            services[name] = try CallExpectation(value, in: fields.file, isTCP: false)
        }
        log = try fields.lines("log")
        noLog = try fields.lines("no_log")
        metrics = try fields.entries("metrics").map { key, value in
            (key.text ?? "", try fields.integer(value, in: -1_000_000_000...1_000_000_000))
        }
        traps = try fields.flag("traps") ?? false
        try fields.finish()
    }
}

extension ScenarioFields {
    fileprivate func refuseImpossible(for stimulus: Step.Stimulus) throws {
        switch stimulus {
        case .request:
            try refuse(
                ["received"], { "\"\($0)\" is for connections, and this is an HTTP request" },
                hint: "write what is answered as response: {body: …}")
        case .connection:
            try refuse(
                ["status", "response"], { "\"\($0)\" is for HTTP requests, and this is a connection" },
                hint: "write the bytes that come back as \"received\"")
        case .wait:
            try refuse(
                ["status", "response", "received", "closed", "within", "not_before"],
                { "\"\($0)\" is for requests and connections, and here only time passes" })
        }
    }

    /// What lines of a log are like.
    fileprivate mutating func lines(_ name: String) throws -> [TextPattern] {
        try (list(name) ?? []).map { node in
            let pattern = try pattern(node)
            if case .absent = pattern {
                throw error(
                    "expected what a line is like, found \(node.phrase)", at: node,
                    hint: "\"no_log\" lists what no line may be like")
            }
            return pattern
        }
    }

    /// What headers are like, by name.
    fileprivate mutating func headerPatterns(_ name: String) throws -> [(name: String, pattern: TextPattern)]
    {
        try entries(name).map { key, value in
            // Names such as ":path" are HTTP/2's.
            let name = key.text ?? ""
            if !name.hasPrefix(":") { _ = try token(key, "a header") }
            if case .list = value.content {
                throw error(
                    "expected a text, found a list", at: value,
                    hint: "several values of one name are seen as one, as in \"a, b\"")
            }
            return (name, try pattern(value))
        }
    }
}

extension MessageExpectation {
    fileprivate init(_ fields: inout ScenarioFields) throws {
        self.init()
        headers = try fields.headerPatterns("headers")
        body = try fields.take("body").map(fields.bodyPattern)
        let nodes = try fields.entries("json")
        json = try nodes.map { key, value in
            guard let path = JSONPath(key.text ?? "") else {
                throw fields.error(
                    "\(key.phrase) is no path to one JSON value", at: key,
                    hint: "write it as in $.user.roles[0] or $['a b']")
            }
            return (path, try fields.jsonPattern(value))
        }
        trailers = try fields.headerPatterns("trailers")
    }
}

extension GRPCExpectation {
    fileprivate init(_ node: ScenarioFields) throws {
        self.init()
        var fields = node
        status = try fields.integer("status", in: 0...16)
        message = try fields.pattern("message")
        reply = try fields.take("reply").map(fields.bodyPattern)
        if let status, status != 0, let reply {
            // That there is none may be said.
            guard case .absent = reply else {
                throw fields.error("a call that ends with status \(status) has no reply")
            }
        }
        try fields.finish()
    }
}

extension CallExpectation {
    fileprivate init(_ node: YAMLNode, in file: String, isTCP: Bool) throws {
        self.init()
        var fields = try ScenarioFields(node, in: file)
        if isTCP {
            try fields.refuse(
                ["method", "path", "headers", "trailers"],
                { "\"\($0)\" is for HTTP requests, and this is a connection" },
                hint: "\"body\" is what the server gets to see")
        }
        count = try fields.integer("count", in: 0...1_000_000)
        if count == 0 {
            try fields.refuse(
                ["method", "path", "headers", "body", "json", "trailers"],
                { "\"\($0)\" of no call at all" }, hint: "leave it out, or expect another count")
        }
        method = try fields.pattern("method")
        path = try fields.pattern("path")
        message = try MessageExpectation(&fields)
        try fields.finish()
    }
}
