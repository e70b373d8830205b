// SPDX-License-Identifier: Apache-2.0

import YAML

extension ManifestReader {
    /// Reads the part `build`.
    func build(_ node: YAMLNode?) throws(ProjectError) -> ProjectManifest.Build {
        var build = ProjectManifest.Build()
        guard let node else { return build }
        let map = try map(
            node, "\"build\"",
            keys: [
                "command", "output", "inputs", "swift", "product", "module", "environment", "optimize",
                "strip",
            ])
        try command(map, into: &build)
        if let swift = map["swift"] { build.swift = try line(swift, "swift") }
        if let product = map["product"] {
            let name = try line(product, "product")
            guard !name.contains("/"), !name.hasPrefix("-") else {
                throw error(product, "\(quoted(name)) is not the name of a product")
            }
            build.product = name
        }
        build.module = try map["module"].map { node throws(ProjectError) in try path(node, "module") }
        build.environment = try environment(map["environment"])
        build.optimize = try optimize(map["optimize"])
        build.strip = try strip(map["strip"])
        return build
    }

    private func command(_ map: Map, into build: inout ProjectManifest.Build) throws(ProjectError) {
        guard let command = map["command"] else {
            for key in ["output", "inputs"] {
                if let node = map[key] { throw error(node, "\"\(key)\" has no effect without \"command\"") }
            }
            return
        }
        for element in try list(command, "command") { build.command.append(try text(element, "command")) }
        guard !build.command.isEmpty else { throw error(command, "\"command\" is empty") }
        build.output = try path(try map.required("output"), "output")
        if let node = map["inputs"] {
            for element in try list(node, "inputs") { build.inputs.append(try path(element, "inputs")) }
            guard !build.inputs.isEmpty else { throw error(node, "\"inputs\" is empty") }
        }
        for key in ["swift", "product", "module"] {
            if let node = map[key] { throw error(node, "\"\(key)\" has no effect beside \"command\"") }
        }
    }

    /// What has an effect for one language only.
    func check(
        _ build: ProjectManifest.Build, for language: String, at node: YAMLNode
    ) throws(ProjectError) {
        if let swift = build.swift, language != "swift" {
            throw error(node, "\"swift: \(swift)\" has no effect for the language \(quoted(language))")
        }
        if let module = build.module, language != Language.precompiled.name {
            throw error(node, "\"module: \(module)\" has no effect for the language \(quoted(language))")
        }
    }

    /// A list of names to pass on, or a mapping of names to values, where one without a value is passed on.
    private func environment(_ node: YAMLNode?) throws(ProjectError) -> [String: String?] {
        var variables: [String: String?] = [:]
        guard let node else { return variables }
        func add(_ key: YAMLNode, _ value: String?) throws(ProjectError) {
            let name = try text(key, "environment")
            let isName = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" }
            guard isName, name.first?.isNumber == false else {
                throw error(
                    key, "\(quoted(name)) is not the name of a variable",
                    hint: "list names to pass on, or write NAME: value to set one")
            }
            guard variables[name] == nil else { throw error(key, "the variable \"\(name)\" is there twice") }
            variables[name] = .some(value)
        }
        switch node.content {
        case .list(let names):
            for name in names { try add(name, nil) }
        case .map(let members):
            for (key, value) in members {
                if case .null = value.content {
                    try add(key, nil)
                } else if value.text?.isEmpty == true {
                    try add(key, "")
                } else {
                    try add(key, try line(value, key.text ?? "environment"))
                }
            }
        default:
            throw error(node, "\"environment\" must be a list or a mapping, not \(node.phrase)")
        }
        return variables
    }

    /// A level of wasm-opt, or a list of its options.
    private func optimize(_ node: YAMLNode?) throws(ProjectError) -> [String] {
        guard let node else { return [] }
        guard case .list(let elements) = node.content else {
            let text = try text(node, "optimize")
            let level = text.hasPrefix("-") ? String(text.dropFirst()) : text
            guard ["O", "O1", "O2", "O3", "O4", "Os", "Oz"].contains(level) else {
                throw error(
                    node, "\(quoted(text)) is not a level of wasm-opt",
                    hint: "write O1 to O4, Os or Oz, or a list of options, as in [-Oz, --vacuum]")
            }
            return ["-\(level)"]
        }
        var options: [String] = []
        for element in elements {
            let option = try line(element, "optimize")
            // What is read and written is not the project's to say.
            guard option.hasPrefix("-"), option != "-o", !option.hasPrefix("--output") else {
                throw error(element, "\(quoted(option)) is not an option that wasm-opt takes here")
            }
            options.append(option)
        }
        guard !options.isEmpty else { throw error(node, "\"optimize\" is empty") }
        return options
    }

    private func strip(_ node: YAMLNode?) throws(ProjectError) -> Set<ModulePart> {
        guard let node else { return [] }
        if case .bool(let all) = node.content { return all ? Set(ModulePart.allCases) : [] }
        var parts: Set<ModulePart> = []
        for element in try list(node, "strip") {
            let text = try text(element, "strip")
            guard let part = ModulePart(rawValue: text) else {
                throw error(
                    element, "\(quoted(text)) is nothing that can be stripped",
                    hint: "true, or a list of \(ModulePart.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            parts.insert(part)
        }
        return parts
    }
}
