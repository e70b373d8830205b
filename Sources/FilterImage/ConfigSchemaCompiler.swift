// SPDX-License-Identifier: Apache-2.0

import JSON

/// Turns a schema document into nodes that name each other by index, so that references may go in circles.
struct SchemaCompiler {
    private var nodes: [SchemaNode] = []
    private var places: [String: Int] = [:]
    private var anchors: [String: Int] = [:]
    private var references: [(node: Int, keyword: Int, target: String)] = []
    private var ownID: String?

    /// The only dialect that is read.
    static let dialect = "https://json-schema.org/draft/2020-12/schema"
    /// Schemas that lead to each other without a step into the configuration, at most.
    private static let maximumChain = 200

    mutating func compile(document: JSONValue) throws(ConfigSchemaError) -> [SchemaNode] {
        if let id = document.object?["$id"] {
            ownID = Self.withoutFragment(try string(id, "$id", at: "#"))
        }
        _ = try schema(document, at: "")
        for reference in references {
            nodes[reference.node].keywords[reference.keyword] = .reference(
                try resolve(reference.target, at: nodes[reference.node].pointer))
        }
        try refuseCircles()
        return nodes
    }

    // MARK: Schemas

    private mutating func schema(_ value: JSONValue, at pointer: String) throws(ConfigSchemaError) -> Int {
        let index = nodes.count
        nodes.append(SchemaNode(pointer: pointer))
        places[pointer] = index
        switch value {
        case .bool(let always): nodes[index].always = always
        case .object(let object):
            for (name, value) in object.members {
                try keyword(name, value, in: object, of: index)
            }
            // What is left over is known only after all other keywords have had their say.
            let keywords = nodes[index].keywords
            let late = keywords.filter(\.isLate)
            if !late.isEmpty, let firstLate = keywords.firstIndex(where: \.isLate) {
                nodes[index].keywords = keywords.filter { !$0.isLate } + late
                for place in references.indices
                where references[place].node == index && references[place].keyword > firstLate {
                    let moved = keywords[..<references[place].keyword].count { $0.isLate }
                    references[place].keyword -= moved
                }
            }
        default: throw malformed("a schema", "an object, true or false", value, at: pointer)
        }
        return index
    }

    private mutating func keyword(
        _ name: String, _ value: JSONValue, in object: JSONObject, of index: Int
    ) throws(ConfigSchemaError) {
        let pointer = nodes[index].pointer
        let place = pointer + "/" + Self.escaped(name)
        if let bound = SchemaKeyword.NumericBound(rawValue: name) {
            nodes[index].keywords.append(.bound(bound, try number(value, name, at: place)))
            return
        }
        if let limit = SchemaKeyword.SizeLimit(rawValue: name) {
            nodes[index].keywords.append(.size(limit, try size(value, name, at: place)))
            return
        }
        switch name {
        case "$schema": try dialect(value, at: place)
        case "$id":
            guard pointer.isEmpty else {
                throw unsupported("\"$id\" inside a schema", at: place, hint: "use \"$anchor\" instead")
            }
        case "$anchor":
            let anchor = try string(value, name, at: place)
            guard anchors.updateValue(index, forKey: anchor) == nil else {
                throw ConfigSchemaError(
                    .malformed, "the anchor \"\(anchor)\" is there twice: \(shown(place))")
            }
        case "$ref":
            references.append((index, nodes[index].keywords.count, try string(value, name, at: place)))
            nodes[index].keywords.append(.reference(index))
        case "$defs", "definitions":
            for (key, value) in try members(value, name, at: place) {
                _ = try schema(value, at: place + "/" + Self.escaped(key))
            }
        case "writeOnly":
            guard case .bool(let isSecret) = value else {
                throw malformed(name, "true or false", value, at: place)
            }
            nodes[index].isSecret = isSecret
        case "then", "else", "if":
            guard name == "if" || object["if"] != nil else { throw withoutEffect(name, "if", at: place) }
            guard name == "if" else { return }
            let condition = try schema(value, at: place)
            let then = try optionalSchema(object, "then", of: pointer)
            let otherwise = try optionalSchema(object, "else", of: pointer)
            nodes[index].keywords.append(.conditional(condition: condition, then: then, otherwise: otherwise))
        case "minContains", "maxContains":
            guard object["contains"] != nil else { throw withoutEffect(name, "contains", at: place) }
        case "contains":
            let minimum = try object["minContains"].map { value throws(ConfigSchemaError) in
                try size(value, "minContains", at: pointer + "/minContains")
            }
            let maximum = try object["maxContains"].map { value throws(ConfigSchemaError) in
                try size(value, "maxContains", at: pointer + "/maxContains")
            }
            let element = try schema(value, at: place)
            nodes[index].keywords.append(.contains(element, minimum: minimum ?? 1, maximum: maximum))
        case "properties", "patternProperties", "additionalProperties":
            // The three speak of one another; the first one met reads them all.
            let first = object.names.first {
                ["properties", "patternProperties", "additionalProperties"].contains($0)
            }
            guard name == first else { return }
            nodes[index].keywords.append(try properties(object, of: pointer))
        case "items", "prefixItems":
            guard name == object.names.first(where: { $0 == "items" || $0 == "prefixItems" }) else { return }
            nodes[index].keywords.append(try items(object, of: pointer))
        default:
            guard let keyword = try simpleKeyword(name, value, at: place) else {
                guard Self.annotations.contains(name) || name.hasPrefix("x-") else {
                    throw unknown(name, at: place)
                }
                return
            }
            if let keyword { nodes[index].keywords.append(keyword) }
        }
    }

    /// Keywords that stand alone.
    /// - Returns: nil for a keyword of another kind; inside it, nil for one that asks for nothing.
    private mutating func simpleKeyword(
        _ name: String, _ value: JSONValue, at place: String
    ) throws(ConfigSchemaError) -> SchemaKeyword?? {
        switch name {
        case "type": return .type(try types(value, at: place))
        case "enum": return .enumeration(try elements(value, name, at: place))
        case "const": return .constant(value)
        case "multipleOf":
            let divisor = try number(value, name, at: place)
            guard !divisor.isZero, divisor > JSONNumber(0) else {
                throw malformed(name, "a number above 0", value, at: place)
            }
            return .multipleOf(divisor)
        case "pattern": return .pattern(try pattern(try string(value, name, at: place), at: place))
        case "uniqueItems":
            guard case .bool(let isUnique) = value else {
                throw malformed(name, "true or false", value, at: place)
            }
            return .some(isUnique ? .uniqueItems : nil)
        case "required": return .required(try strings(value, name, at: place))
        case "dependentRequired":
            var rules: [(name: String, needs: [String])] = []
            for (key, value) in try members(value, name, at: place) {
                rules.append((key, try strings(value, key, at: place + "/" + Self.escaped(key))))
            }
            return .dependentRequired(rules)
        case "dependentSchemas":
            var rules: [(name: String, schema: Int)] = []
            for (key, value) in try members(value, name, at: place) {
                rules.append((key, try schema(value, at: place + "/" + Self.escaped(key))))
            }
            return .dependentSchemas(rules)
        case "propertyNames": return .propertyNames(try schema(value, at: place))
        case "allOf": return .all(try schemas(value, name, at: place))
        case "anyOf": return .any(try schemas(value, name, at: place))
        case "oneOf": return .one(try schemas(value, name, at: place))
        case "not": return .not(try schema(value, at: place))
        case "unevaluatedProperties": return .unevaluatedProperties(try schema(value, at: place))
        case "unevaluatedItems": return .unevaluatedItems(try schema(value, at: place))
        default: return nil
        }
    }

    private mutating func properties(
        _ object: JSONObject, of pointer: String
    ) throws(ConfigSchemaError) -> SchemaKeyword {
        var named: [String: Int] = [:]
        var patterns: [(pattern: ConfigPattern, schema: Int)] = []
        if let value = object["properties"] {
            for (key, value) in try members(value, "properties", at: pointer + "/properties") {
                named[key] = try schema(value, at: pointer + "/properties/" + Self.escaped(key))
            }
        }
        if let value = object["patternProperties"] {
            for (key, value) in try members(value, "patternProperties", at: pointer + "/patternProperties") {
                let place = pointer + "/patternProperties/" + Self.escaped(key)
                patterns.append((try pattern(key, at: place), try schema(value, at: place)))
            }
        }
        let additional = try optionalSchema(object, "additionalProperties", of: pointer)
        return .properties(named, patterns: patterns, additional: additional)
    }

    private mutating func items(
        _ object: JSONObject, of pointer: String
    ) throws(ConfigSchemaError) -> SchemaKeyword {
        let prefix = try object["prefixItems"].map { value throws(ConfigSchemaError) in
            try schemas(value, "prefixItems", at: pointer + "/prefixItems")
        }
        if case .array? = object["items"] {
            throw unsupported(
                "\"items\" as a list", at: pointer + "/items", hint: "draft 2020-12 calls it \"prefixItems\"")
        }
        return .items(prefix: prefix ?? [], rest: try optionalSchema(object, "items", of: pointer))
    }

    private mutating func optionalSchema(
        _ object: JSONObject, _ name: String, of pointer: String
    ) throws(ConfigSchemaError) -> Int? {
        guard let value = object[name] else { return nil }
        return try schema(value, at: pointer + "/" + name)
    }

    private mutating func schemas(
        _ value: JSONValue, _ name: String, at place: String
    ) throws(ConfigSchemaError) -> [Int] {
        let elements = try elements(value, name, at: place)
        guard !elements.isEmpty else { throw malformed(name, "at least one schema", value, at: place) }
        var indexes: [Int] = []
        for (position, element) in elements.enumerated() {
            indexes.append(try schema(element, at: "\(place)/\(position)"))
        }
        return indexes
    }

    // MARK: References

    private func resolve(_ reference: String, at pointer: String) throws(ConfigSchemaError) -> Int {
        let place = pointer + "/$ref"
        let document = Self.withoutFragment(reference)
        guard document.isEmpty || document == ownID else {
            throw unsupported(
                "\"$ref\" to another document, \"\(reference)\",", at: place,
                hint: "put the schema below \"$defs\" and refer to \"#/$defs/…\"; an image carries one schema"
            )
        }
        let fragment = String(reference.dropFirst(document.count).drop { $0 == "#" })
        guard let decoded = Self.percentDecoded(fragment) else {
            throw ConfigSchemaError(
                .malformed, "the reference \"\(reference)\" at \(shown(place)) is malformed")
        }
        let isPointer = decoded.isEmpty || decoded.hasPrefix("/")

        guard let target = isPointer ? places[decoded] : anchors[decoded] else {
            throw ConfigSchemaError(
                .danglingReference, "the reference \"\(reference)\" at \(shown(place)) leads to no schema",
                hint: closestName(to: decoded, in: places.keys).map { "did you mean \"#\($0)\"?" })
        }
        return target
    }

    /// Refuses schemas that lead back to themselves without a step into the configuration: they would never end.
    private func refuseCircles() throws(ConfigSchemaError) {
        var finished: Set<Int> = []
        for start in nodes.indices {
            try follow(start, active: [], finished: &finished)
        }
    }

    private func follow(
        _ index: Int, active: [Int], finished: inout Set<Int>
    ) throws(ConfigSchemaError) {
        guard !finished.contains(index) else { return }
        guard !active.contains(index) else {
            throw ConfigSchemaError(
                .tooComplex, "the schema \(shown(nodes[index].pointer)) leads back to itself without end")
        }
        guard active.count < Self.maximumChain else {
            throw ConfigSchemaError(
                .tooComplex,
                "more than \(Self.maximumChain) schemas lead to each other from \(shown(nodes[index].pointer))"
            )
        }
        for next in nodes[index].keywords.flatMap(\.sameInstanceSchemas) {
            try follow(next, active: active + [index], finished: &finished)
        }
        finished.insert(index)
    }
}

extension SchemaKeyword {
    fileprivate var isLate: Bool {
        switch self {
        case .unevaluatedItems, .unevaluatedProperties: true
        default: false
        }
    }

    /// The schemas that this keyword holds the same value against.
    fileprivate var sameInstanceSchemas: [Int] {
        switch self {
        case .reference(let target), .not(let target): [target]
        case .all(let schemas), .any(let schemas), .one(let schemas): schemas
        case .conditional(let condition, let then, let otherwise):
            [condition] + [then, otherwise].compactMap { $0 }
        case .dependentSchemas(let rules): rules.map(\.schema)
        default: []
        }
    }
}
