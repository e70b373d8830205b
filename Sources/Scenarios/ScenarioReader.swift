// SPDX-License-Identifier: Apache-2.0

import FilterImage
import FilterProject
import JSON

extension ScenarioFile {
    /// Reads a `tests.yaml`.
    package init(parsing yaml: String, file: String) throws {
        var fields = try ScenarioFields(try YAMLNode(parsing: yaml, file: file), in: file)
        let defaults = try StepContext(&fields, inheriting: StepContext())
        guard let tests = try fields.list("tests"), !tests.isEmpty else {
            throw fields.error("expected a list \"tests\" with at least one test")
        }
        try fields.finish()
        var names: Set<String> = []
        scenarios = try tests.map { node in
            let scenario = try Scenario(node, in: file, defaults)
            guard names.insert(scenario.name).inserted else {
                throw ScenarioError(node, in: file, "there are two tests named \"\(scenario.name)\"")
            }
            return scenario
        }
    }

    /// All the services that the filter may call, and which of them speak gRPC.
    package var services: [String: Bool] {
        var services: [String: Bool] = [:]
        for case .steps(let steps) in scenarios.map(\.outcome) {
            for (name, script) in steps.flatMap(\.services) {
                let speaksGRPC = script.answers.contains { if case .grpc = $0.kind { true } else { false } }
                services[name] = (services[name] ?? false) || speaksGRPC
            }
        }
        return services
    }
}

/// What the servers around the proxy answer, as a step inherits it from its test and that from its file.
private struct StepContext {
    var upstream = ServiceScript(answers: [ServiceAnswer(.http(.init()))])
    var services: [String: ServiceScript] = [:]

    init() {}

    init(_ fields: inout ScenarioFields, inheriting outer: StepContext) throws {
        self = outer
        let file = fields.file
        if let node = fields.take("upstream") { upstream = try ServiceScript(node, in: file) }
        for (name, script) in try fields.map("services", { try ServiceScript($0, in: file) }) {
            services[name] = script
        }
    }
}

extension Scenario {
    fileprivate init(_ node: YAMLNode, in file: String, _ defaults: StepContext) throws {
        var fields = try ScenarioFields(node, in: file)
        guard let name = try fields.text("name"), !name.isEmpty else {
            throw fields.error("a test needs a \"name\"")
        }
        self.name = name
        line = node.line
        let configuration = fields.take("config")
        switch configuration?.content {
        case nil: break
        case .string(let text): setup.configuration = text
        default:
            setup.configuration = configuration?.json.description
            setup.configurationValue = configuration?.json
        }
        if let refused = try fields.pattern("refused") {
            outcome = .refused(refused)
            try fields.finish()
            return
        }
        let context = try StepContext(&fields, inheriting: defaults)
        if let steps = try fields.list("steps") {
            guard !steps.isEmpty else { throw fields.error("\"steps\" is empty") }
            outcome = .steps(
                try steps.map { node in
                    var step = try ScenarioFields(node, in: file)
                    return try Step(&step, context)
                })
            try fields.finish()
        } else {
            outcome = .steps([try Step(&fields, context)])
        }
    }
}

extension Step {
    fileprivate init(_ fields: inout ScenarioFields, _ outer: StepContext) throws {
        line = fields.node.line
        delay = try fields.duration("after") ?? .zero
        let context = try StepContext(&fields, inheriting: outer)
        upstream = context.upstream
        services = context.services
        if let request = try fields.fields("request") {
            stimulus = .request(try ScenarioRequest(request))
        } else if var connection = try fields.fields("connection") {
            stimulus = .connection(
                sends: try connection.list("send")?.map { .text(try connection.text($0)) } ?? [])
            try connection.finish()
        } else {
            throw fields.error("expected a \"request\", a \"connection\", \"steps\" or \"refused\"")
        }
        expectation = try fields.fields("expect").map { try Expectation($0) } ?? Expectation()
        try fields.finish()
    }
}

extension ScenarioRequest {
    fileprivate init(_ node: ScenarioFields) throws {
        self.init()
        var fields = node
        method = try fields.text("method") ?? method
        path = try fields.text("path") ?? path
        headers = try fields.pairs("headers")
        body = try fields.texts("body", or: "chunks")?.map { .text($0) } ?? []
        trailers = try fields.pairs("trailers")
        try fields.finish()
    }
}

extension ServiceScript {
    fileprivate init(_ node: YAMLNode, in file: String) throws {
        if case .list(let elements) = node.content {
            guard !elements.isEmpty else {
                throw ScenarioError(node, in: file, "expected an answer, found none")
            }
            answers = try elements.map { try ServiceAnswer($0, in: file) }
        } else {
            answers = [try ServiceAnswer(node, in: file)]
        }
    }
}

extension ServiceAnswer {
    fileprivate init(_ node: YAMLNode, in file: String) throws {
        var fields = try ScenarioFields(node, in: file)
        if let fault = try fields.text("fault") {
            switch fault {
            case "hang": kind = .hang
            case "close": kind = .close
            default: throw fields.error("expected a fault \"hang\" or \"close\", found \"\(fault)\"")
            }
        } else if let bytes = try fields.text("bytes") {
            kind = .bytes([.text(bytes)])
        } else if var grpc = try fields.fields("grpc") {
            kind = .grpc(
                status: try grpc.integer("status") ?? 0, message: try grpc.text("message") ?? "",
                reply: Array((try grpc.text("reply") ?? "").utf8))
            try grpc.finish()
        } else {
            var message = Message()
            message.status = try fields.integer("status") ?? 200
            message.headers = try fields.pairs("headers")
            message.body = try fields.texts("body", or: "chunks")?.map { .text($0) } ?? []
            message.trailers = try fields.pairs("trailers")
            kind = .http(message)
        }
        try fields.finish()
    }
}

extension Expectation {
    fileprivate init(_ node: ScenarioFields) throws {
        self.init()
        var fields = node
        status = try fields.integer("status")
        if var response = try fields.fields("response") {
            self.response = try MessageExpectation(&response)
            try response.finish()
        }
        received = try fields.pattern("received")
        isClosed = try fields.flag("closed") ?? false
        if let node = fields.take("upstream") { upstream = try CallExpectation(node, in: fields.file) }
        let file = fields.file
        for (name, call) in try fields.map("services", { try CallExpectation($0, in: file) }) {
            services[name] = call
        }
        log = try fields.list("log")?.map(fields.pattern) ?? []
        metrics = try fields.map("metrics", node.integer).map { ($0.name, $0.value) }
        try fields.finish()
    }
}

extension MessageExpectation {
    fileprivate init(_ fields: inout ScenarioFields) throws {
        self.init()
        headers = try fields.map("headers", fields.pattern).map { ($0.name, $0.value) }
        body = try fields.pattern("body")
        trailers = try fields.map("trailers", fields.pattern).map { ($0.name, $0.value) }
    }
}

extension CallExpectation {
    fileprivate init(_ node: YAMLNode, in file: String) throws {
        self.init()
        var fields = try ScenarioFields(node, in: file)
        count = try fields.integer("count")
        method = try fields.pattern("method")
        path = try fields.pattern("path")
        message = try MessageExpectation(&fields)
        try fields.finish()
    }
}
