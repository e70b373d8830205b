// SPDX-License-Identifier: Apache-2.0

import JSON

/// A place in the configuration.
struct InstancePath {
    /// As a JSON pointer (RFC 6901).
    let pointer: String

    init() { pointer = "" }

    private init(pointer: String) { self.pointer = pointer }

    func member(_ name: String) -> InstancePath {
        InstancePath(pointer: pointer + "/" + SchemaCompiler.escaped(name))
    }

    func element(_ index: Int) -> InstancePath { InstancePath(pointer: "\(pointer)/\(index)") }
}

/// What came of holding one value against one schema.
struct SchemaOutcome {
    var violations: [ConfigSchema.Violation] = []
    /// The members and elements that a keyword has looked at (JSON Schema core, 11 "Unevaluated Locations").
    var members: Set<String> = []
    var elements: Set<Int> = []

    var holds: Bool { violations.isEmpty }

    /// Takes over what a subschema found out about the same value; one that failed has looked at nothing.
    mutating func adopt(_ other: SchemaOutcome) {
        violations += other.violations
        if other.holds { adoptEvaluated(other) }
    }

    mutating func adoptEvaluated(_ other: SchemaOutcome) {
        members.formUnion(other.members)
        elements.formUnion(other.elements)
    }
}

/// One run of a schema over a configuration, with bounds on its depth and its work.
struct SchemaEvaluation {
    let schema: ConfigSchema
    private var steps = 0

    /// Schemas inside schemas and values inside values, at most; keeps the stack small.
    private static let maximumDepth = 300
    /// Values held against schemas, at most: alternatives inside alternatives multiply.
    private static let maximumSteps = 500_000
    /// Violations after which the rest is not worth reading.
    static let maximumViolations = 100

    init(schema: ConfigSchema) { self.schema = schema }

    mutating func evaluate(
        node index: Int, _ value: JSONValue, at path: InstancePath, depth: Int, secret: Bool = false
    ) throws(ConfigSchemaError) -> SchemaOutcome {
        steps += 1
        let node = schema.nodes[index]
        guard depth <= Self.maximumDepth, steps <= Self.maximumSteps else {
            throw tooComplex("the schema \"#\(node.pointer)\"", at: path)
        }
        var outcome = SchemaOutcome()
        if let always = node.always {
            if !always {
                outcome.violations.append(
                    .init(
                        pointer: path.pointer, expected: "nothing to be here",
                        found: value.phrase(isSecret: secret), rule: node.pointer))
            }
            return outcome
        }
        let subject = Subject(
            value: value, path: path, depth: depth, isSecret: secret || node.isSecret, node: node)
        for keyword in node.keywords where outcome.violations.count < Self.maximumViolations {
            try apply(keyword, to: subject, &outcome)
        }
        return outcome
    }

    /// What a keyword is applied to.
    struct Subject {
        let value: JSONValue
        let path: InstancePath
        let depth: Int
        let isSecret: Bool
        let node: SchemaNode

        func violation(_ keyword: String, expected: String, found: String? = nil) -> ConfigSchema.Violation {
            ConfigSchema.Violation(
                pointer: path.pointer, expected: expected, found: found ?? value.phrase(isSecret: isSecret),
                rule: node.pointer + "/" + keyword)
        }
    }

    func tooComplex(_ what: String, at path: InstancePath) -> ConfigSchemaError {
        ConfigSchemaError(
            .tooComplex, "\(what) takes too long to check at \"\(path.pointer)\" of the configuration",
            hint: "simplify the schema: alternatives inside alternatives multiply")
    }

    /// Holds the value itself against another schema.
    private mutating func same(
        _ index: Int, _ subject: Subject
    ) throws(ConfigSchemaError) -> SchemaOutcome {
        try evaluate(
            node: index, subject.value, at: subject.path, depth: subject.depth + 1, secret: subject.isSecret)
    }

    private mutating func apply(
        _ keyword: SchemaKeyword, to subject: Subject, _ outcome: inout SchemaOutcome
    ) throws(ConfigSchemaError) {
        switch keyword {
        case .reference(let target): outcome.adopt(try same(target, subject))
        case .all(let schemas):
            for schema in schemas { outcome.adopt(try same(schema, subject)) }
        case .any(let schemas), .one(let schemas):
            let isOne = if case .one = keyword { true } else { false }
            try alternatives(schemas, isOne: isOne, subject, &outcome)
        case .not(let schema):
            if try same(schema, subject).holds {
                outcome.violations.append(
                    subject.violation("not", expected: "what the schema under \"not\" does not accept"))
            }
        case .conditional(let condition, let then, let otherwise):
            let tested = try same(condition, subject)
            outcome.adoptEvaluated(tested.holds ? tested : SchemaOutcome())
            if let branch = tested.holds ? then : otherwise { outcome.adopt(try same(branch, subject)) }
        case .dependentSchemas(let rules):
            guard let object = subject.value.object else { return }
            for rule in rules where object[rule.name] != nil { outcome.adopt(try same(rule.schema, subject)) }
        case .properties, .propertyNames, .unevaluatedProperties:
            guard let object = subject.value.object else { return }
            try applyToMembers(keyword, of: object, subject, &outcome)
        case .items, .contains, .unevaluatedItems:
            guard let elements = subject.value.array else { return }
            try applyToElements(keyword, of: elements, subject, &outcome)
        case .pattern(let pattern):
            guard let text = subject.value.string else { return }
            guard let matches = pattern.matches(text) else {
                throw tooComplex("the pattern \"\(pattern.source)\"", at: subject.path)
            }
            if !matches {
                outcome.violations.append(
                    subject.violation("pattern", expected: "a string that matches \"\(pattern.source)\""))
            }
        default:
            outcome.violations += assertion(keyword, subject)
        }
    }

    private mutating func alternatives(
        _ schemas: [Int], isOne: Bool, _ subject: Subject, _ outcome: inout SchemaOutcome
    ) throws(ConfigSchemaError) {
        var holding: [Int] = []
        var reasons: [String] = []
        for (place, schema) in schemas.enumerated() {
            let result = try same(schema, subject)
            if result.holds {
                holding.append(place + 1)
                outcome.adoptEvaluated(result)
                // All have to be looked at only to know that no other one holds, or what they evaluate.
                if !isOne, !self.schema.tracksEvaluation { break }
            } else if let first = result.violations.first {
                reasons.append("\(place + 1): \(first)")
            }
        }
        let keyword = isOne ? "oneOf" : "anyOf"
        if holding.isEmpty {
            let shown = reasons.prefix(3).joined(separator: "; ")
            let more = reasons.count > 3 ? "; …" : ""
            outcome.violations.append(
                subject.violation(
                    keyword,
                    expected: "\(isOne ? "exactly " : "")one of \(schemas.count) alternatives to hold",
                    found: "none that does (\(shown)\(more))"))
        } else if isOne, holding.count > 1 {
            let list = holding.map(String.init).joined(separator: " and ")
            outcome.violations.append(
                subject.violation(
                    keyword, expected: "exactly one of \(schemas.count) alternatives to hold",
                    found: "that \(list) do"))
        }
    }
}

// MARK: - Members and elements

extension SchemaEvaluation {
    private mutating func applyToMembers(
        _ keyword: SchemaKeyword, of object: JSONObject, _ subject: Subject, _ outcome: inout SchemaOutcome
    ) throws(ConfigSchemaError) {
        for (name, value) in object.members {
            let path = subject.path.member(name)
            var schemas: [Int] = []
            switch keyword {
            case .properties(let named, let patterns, let additional):
                if let schema = named[name] { schemas.append(schema) }
                for rule in patterns {
                    guard let matches = rule.pattern.matches(name) else {
                        throw tooComplex("the pattern \"\(rule.pattern.source)\"", at: path)
                    }
                    if matches { schemas.append(rule.schema) }
                }
                if schemas.isEmpty, let additional {
                    if schema.nodes[additional].always == false {
                        outcome.violations.append(
                            unknownMember(name, value, known: named.keys.sorted(), subject))
                        continue
                    }
                    schemas.append(additional)
                }
            case .propertyNames(let schema):
                let result = try evaluate(
                    node: schema, .string(name), at: path, depth: subject.depth + 1)
                outcome.violations += result.violations.map {
                    ConfigSchema.Violation(
                        pointer: $0.pointer, expected: "its name to be \($0.expected)", found: $0.found,
                        rule: $0.rule)
                }
                continue
            case .unevaluatedProperties(let schema):
                guard !outcome.members.contains(name) else { continue }
                if self.schema.nodes[schema].always == false {
                    outcome.violations.append(
                        subject.violation(
                            "unevaluatedProperties", expected: "no member \(JSONValue.quoted(name))",
                            found: value.phrase(isSecret: subject.isSecret)))
                    continue
                }
                schemas.append(schema)
            default: return
            }
            guard !schemas.isEmpty else { continue }
            if schema.tracksEvaluation { outcome.members.insert(name) }
            for schema in schemas {
                outcome.violations += try evaluate(
                    node: schema, value, at: path, depth: subject.depth + 1, secret: subject.isSecret
                ).violations
            }
        }
    }

    private func unknownMember(
        _ name: String, _ value: JSONValue, known: [String], _ subject: Subject
    ) -> ConfigSchema.Violation {
        let list = known.prefix(8).map { JSONValue.quoted($0) }.joined(separator: ", ")
        let expected =
            known.isEmpty ? "no such member" : "only the members \(list)\(known.count > 8 ? ", …" : "")"
        let meant = closestName(to: name, in: known).map { " (did you mean \(JSONValue.quoted($0))?)" }
        return ConfigSchema.Violation(
            pointer: subject.path.pointer, expected: expected, found: JSONValue.quoted(name) + (meant ?? ""),
            rule: subject.node.pointer + "/additionalProperties")
    }

    private mutating func applyToElements(
        _ keyword: SchemaKeyword, of elements: [JSONValue], _ subject: Subject, _ outcome: inout SchemaOutcome
    ) throws(ConfigSchemaError) {
        var found = 0
        for (index, element) in elements.enumerated() {
            let target: Int
            switch keyword {
            case .items(let prefix, let rest):
                guard let schema = index < prefix.count ? prefix[index] : rest else { return }
                target = schema
            case .contains(let schema, _, _): target = schema
            case .unevaluatedItems(let schema):
                guard !outcome.elements.contains(index) else { continue }
                target = schema
            default: return
            }
            let result = try evaluate(
                node: target, element, at: subject.path.element(index), depth: subject.depth + 1,
                secret: subject.isSecret)
            if case .contains = keyword {
                guard result.holds else { continue }
                found += 1
            } else {
                outcome.violations += result.violations
            }
            if schema.tracksEvaluation { outcome.elements.insert(index) }
        }
        guard case .contains(_, let minimum, let maximum) = keyword else { return }
        if found < minimum {
            outcome.violations.append(
                subject.violation(
                    "contains", expected: "at least \(minimum) matching element\(minimum == 1 ? "" : "s")",
                    found: "\(found)"))
        }
        if let maximum, found > maximum {
            outcome.violations.append(
                subject.violation(
                    "contains", expected: "at most \(maximum) matching element\(maximum == 1 ? "" : "s")",
                    found: "\(found)"))
        }
    }
}
