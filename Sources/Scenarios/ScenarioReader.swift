// SPDX-License-Identifier: Apache-2.0

import Deployment
import FilterProject
import JSON
import YAML

extension ScenarioFile {
    /// Reads a `tests.yaml`; `Docs/reference/tests.schema.json` is its published schema.
    /// - Parameters:
    ///   - yaml: the text.
    ///   - file: what errors and reports call it.
    ///   - environment: what `${env.NAME}` can stand for, where the file lists the name.
    /// - Throws: `ScenarioError`, or `ProjectError` for what is no YAML; both name file, line and column.
    package init(parsing yaml: String, file: String, environment: [String: String] = [:]) throws {
        var fields = try ScenarioFields(try YAMLNode(parsing: yaml, file: file), in: file)
        var variables = ScenarioVariables(file: file)
        for node in try fields.list("environment") ?? [] { try variables.allow(node, from: environment) }
        try variables.add(fields.entries("variables"))
        try variables.checkForCycles()
        let surroundings = ServiceNodes(&fields)
        guard let tests = try fields.list("tests"), !tests.isEmpty else {
            throw fields.error(
                "expected a list \"tests\" with at least one test", at: fields.peek("tests"),
                hint: "write, as in tests: [{name: …, request: {path: /}, expect: {status: 200}}]")
        }
        try fields.finish()
        var reader = TestReader(file: file, variables: variables, outer: surroundings)
        for test in tests { reader.read(test) }
        if let error = ScenarioError(all: reader.errors) { throw error }
        self.init(name: file, scenarios: reader.scenarios)
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

/// Reads the tests of one file, and goes on after those that are wrong.
private struct TestReader {
    let file: String
    let variables: ScenarioVariables
    let outer: ServiceNodes
    var scenarios: [Scenario] = []
    var errors: [ScenarioError] = []
    private var lines: [String: Int] = [:]
    private var budget = ScenarioVariables.Budget()
    /// What stands around the tests, if it has no variables.
    private var surroundings: ServiceContext?

    init(file: String, variables: ScenarioVariables, outer: ServiceNodes) {
        self.file = file
        self.variables = variables
        self.outer = outer
    }

    mutating func read(_ node: YAMLNode) {
        // A file with more mistakes has one at its root.
        guard errors.count < 20 else { return }
        do {
            var fields = try ScenarioFields(node, in: file)
            guard let cases = try fields.list("cases") else { return try read(node, variables, nil) }
            guard !cases.isEmpty else {
                throw fields.error("expected at least one case, found none", at: fields.node)
            }
            for node in cases {
                guard case .map(let members) = node.content, !members.isEmpty else {
                    throw fields.error("expected a mapping with the case's variables", at: node)
                }
                var variables = variables
                try variables.add(members)
                try variables.checkForCycles()
                try read(fields.node, variables, members)
            }
        } catch let error as ScenarioError {
            errors.append(error)
        } catch {
            errors.append(ScenarioError(node, in: file, "\(error)"))
        }
    }

    private mutating func read(
        _ node: YAMLNode, _ variables: ScenarioVariables, _ members: [(key: YAMLNode, value: YAMLNode)]?
    ) throws {
        let context: ServiceContext
        if let surroundings {
            context = surroundings
        } else {
            let nodes = try outer.expanded(by: variables, &budget)
            context = try ServiceContext(nodes, inheriting: ServiceContext(), in: file)
            if !outer.needsVariables { surroundings = context }
        }
        let fields = try ScenarioFields(without("cases", node), in: file)
        guard let name = fields.peek("name") else {
            throw fields.error("a test needs a \"name\"", hint: "say in it what the filter does")
        }
        var expanded = try ScenarioFields(try variables.expanded(fields.node, &budget), in: file)
        var title = try expanded.words(expanded.peek("name") ?? name)
        if let members, name.text == title {
            // What distinguishes this one of several.
            let values = members.map { key, value in
                "\(key.text ?? "")=\(value.isScalar ? value.text ?? "" : value.json.description)"
            }
            title += " (\(values.joined(separator: ", ")))"
        }
        if let line = lines.updateValue(node.line, forKey: title) {
            throw ScenarioError(
                name, in: file, "there are two tests named \"\(title)\"", hint: "the other is in line \(line)"
            )
        }
        scenarios.append(try Scenario(&expanded, named: title, line: node.line, context))
    }

    private func without(_ key: String, _ node: YAMLNode) -> YAMLNode {
        guard case .map(let members) = node.content else { return node }
        return node.replacing(.map(members.filter { $0.key.text != key }))
    }
}

extension Scenario {
    /// What a step says, where it stands in the test itself.
    private static let stepKeys = ["request", "connection", "wait", "expect", "after", "repeat"]

    fileprivate init(
        _ fields: inout ScenarioFields, named name: String, line: Int, _ outer: ServiceContext
    ) throws {
        _ = fields.take("name")
        let skip = try fields.take("skip").map(fields.words)
        let only = fields.peek("only")
        let isOnly = try fields.flag("only") ?? false
        if isOnly, skip != nil {
            throw fields.error("a test cannot be skipped and the only one", at: only)
        }
        let setup = try ScenarioSetup(&fields)
        let outcome: Outcome
        if let node = fields.take("refused") {
            let pattern = try fields.pattern(node)
            if case .absent = pattern {
                throw fields.error("expected what Envoy says, found \(node.phrase)", at: node)
            }
            try fields.refuse(
                Self.stepKeys + ["steps", "upstream", "services"],
                { "\"\($0)\" beside \"refused\": a filter that does not start does nothing" },
                hint: "make two tests of it")
            outcome = .refused(pattern)
        } else {
            let context = try ServiceContext(ServiceNodes(&fields), inheriting: outer, in: fields.file)
            if let node = fields.peek("steps"), let steps = try fields.list("steps") {
                guard !steps.isEmpty else {
                    throw fields.error("expected at least one step, found none", at: node)
                }
                try fields.refuse(
                    Self.stepKeys, { "\"\($0)\" beside \"steps\"" }, hint: "put it into one of the steps")
                var errors: [ScenarioError] = []
                var read: [Step] = []
                for node in steps {
                    do {
                        var step = try ScenarioFields(node, in: fields.file)
                        let inner = try ServiceContext(
                            ServiceNodes(&step), inheriting: context, in: fields.file)
                        read.append(try Step(&step, inner))
                        try step.finish()
                    } catch let error as ScenarioError {
                        errors.append(error)
                    }
                }
                if let error = ScenarioError(all: errors) { throw error }
                outcome = .steps(read)
            } else {
                outcome = .steps([try Step(&fields, context)])
            }
        }
        try fields.finish()
        self.init(name: name, line: line, outcome: outcome)
        self.skip = skip
        self.isOnly = isOnly
        self.setup = setup
    }
}

extension ScenarioSetup {
    fileprivate init(_ fields: inout ScenarioFields) throws {
        self.init()
        if let node = fields.take("config") {
            (configuration, configurationValue) = Self.configuration(node)
        }
        if var vm = try fields.fields("vm") {
            if let node = vm.take("config") { vmConfiguration = Self.configuration(node).text }
            for (key, value) in try vm.entries("environment") {
                let name = key.text ?? ""
                guard !name.isEmpty, !name.contains("="), !name.contains("\0") else {
                    throw vm.error("\"\(name)\" is no name for an environment variable", at: key)
                }
                environment[name] = try vm.text(value)
            }
            try vm.finish()
        }
        rootID = try fields.text("root_id")
        failurePolicy =
            try fields.choice(
                "failure_policy", [("reload", .reload), ("closed", .closed), ("open", .open)])
            ?? failurePolicy
    }

    /// A text is taken as it is, and all else as JSON.
    private static func configuration(_ node: YAMLNode) -> (text: String, value: JSONValue?) {
        if case .string(let text) = node.content { return (text, nil) }
        return (node.json.description, node.json)
    }
}
