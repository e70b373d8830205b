// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import JSON
import OCI

import YAML

extension FilterDeploymentFile {
    /// Reads the documents of a file.
    /// - Parameters:
    ///   - yaml: the text; JSON is YAML too.
    ///   - file: what errors call it.
    /// - Returns: the documents, in order.
    /// - Throws: `DeploymentError` that names file, line, column and field.
    package static func read(_ yaml: String, file: String) throws -> [FilterDeploymentFile] {
        let documents: [YAMLNode]
        do {
            documents = try YAMLNode.documents(yaml, file: file)
        } catch {
            throw DeploymentError(.unreadable, error.message, cause: error.cause)
        }
        guard !documents.isEmpty else {
            throw DeploymentError(
                .unreadable, "\"\(file)\" is empty",
                hint: "'wasme deploy envoy … --print-deployment' writes a file to start from")
        }
        let reader = FieldReader(file: file)
        var seen: [String: Int] = [:]
        return try documents.map { document in
            let read = try reader.deployment(document)
            if let line = seen["\(read.target.name) \(read.id)"] {
                throw reader.error(
                    document, "the deployment \"\(read.id)\" is in this file twice: also at line \(line)",
                    hint: "give one of them another spec.filter.id")
            }
            seen["\(read.target.name) \(read.id)"] = document.line
            return read
        }
    }
}

extension FieldReader {
    func deployment(_ node: YAMLNode) throws -> FilterDeploymentFile {
        // Another kind of object would be told of fields that it never meant to have.
        let head = FieldValues(node)
        if let kind = head["kind"], kind.text != FilterDeploymentFile.kind {
            throw error(
                kind, "\(kind.phrase) is no kind that can be deployed",
                hint: "it must be \(FilterDeploymentFile.kind) of \(FilterDeploymentFile.apiVersion)")
        }
        try check(node, is: .object(FilterDeploymentFile.fields), at: "")
        let metadata = FieldValues(head["metadata"] ?? node)
        let specification = FieldValues(head["spec"] ?? node)
        let filter = try filter(FieldValues(specification["filter"] ?? node))
        let target = try target(
            FieldValues(specification["deployment"] ?? node), pullSecret: filter.pull.secret,
            patchContext: filter.patchContext, namespace: metadata.text("namespace"))
        var file = FilterDeploymentFile(name: metadata.text("name") ?? "", filter: filter, target: target)
        file.namespace = metadata.text("namespace")
        file.labels = metadata.texts("labels")
        file.annotations = metadata.texts("annotations")
        return file
    }

    // MARK: The filter

    private func filter(_ values: FieldValues) throws -> FilterDeploymentFile.Filter {
        let image = values["image"] ?? values.node
        let reference: Reference
        do {
            reference = try Reference(image.text ?? "")
        } catch let problem {
            throw error(
                image, "\"spec.filter.image\" is \(image.phrase), which is no image: \(problem)",
                hint: "write [host[:port]/]path[:tag][@digest], as in localhost:5000/acme/add-header:v1")
        }
        var filter = FilterDeploymentFile.Filter(image: reference)
        if let node = values["digest"] {
            guard let digest = Digest(node.text ?? "") else {
                throw error(
                    node, "\"spec.filter.digest\" is \(node.phrase), which is no digest",
                    hint: "write sha256: and 64 hexadecimal digits, as 'wasme push' prints it")
            }
            if let named = reference.digest, named != digest {
                throw error(node, "\"spec.filter.digest\" is another one than that of \"spec.filter.image\"")
            }
            filter.digest = digest
        }
        filter.id = values.text("id")
        if let pull = values.object("imagePullOptions") {
            filter.pull.secret = pull.text("pullSecret")
            filter.pull.skipsVerification = pull.flag("insecureSkipVerify") ?? false
            filter.pull.usesPlainHTTP = pull.flag("plainHttp") ?? false
        }
        filter.kind = values.word("type") ?? .http
        filter.rootID = values.text("rootID")
        filter.vmID = values.text("vmID") ?? ""
        filter.configuration = try configuration(values["config"], at: "spec.filter.config")
        filter.vmConfiguration = try configuration(values["vmConfig"], at: "spec.filter.vmConfig")
        filter.environment = try environment(values.list("env"))
        filter.failurePolicy = values.text("failurePolicy").flatMap { EnvoyPlugin.FailurePolicy(word: $0) }
        if values["capabilities"] != nil {
            filter.capabilities = values.list("capabilities").map { $0.text ?? "" }
        }
        filter.phase = values.word("phase")
        filter.priority = values.integer("priority")
        filter.match = values.list("match").map { node in
            let match = FieldValues(node)
            return .init(
                mode: match.word("mode") ?? .both,
                ports: match.list("ports").compactMap { $0.text.flatMap { Int($0) } })
        }
        filter.patchContext = values.word("patchContext")
        if let node = values["patchContext"], values["match"] != nil {
            throw error(
                node,
                "\"spec.filter.patchContext\" and \"spec.filter.match\" say both which traffic is meant",
                hint: "leave patchContext out")
        }
        return filter
    }

    private func environment(_ nodes: [YAMLNode]) throws -> [String: FilterDeployment.EnvironmentValue] {
        var environment: [String: FilterDeployment.EnvironmentValue] = [:]
        for (index, node) in nodes.enumerated() {
            let variable = FieldValues(node)
            let name = variable.text("name") ?? ""
            guard environment[name] == nil else {
                throw error(node, "the variable \"\(name)\" is there twice in \"spec.filter.env\"")
            }
            switch (variable["value"], variable["valueFrom"]) {
            case (let value?, nil): environment[name] = .value(value.text ?? "")
            case (nil, .some): environment[name] = .host
            case (.some, .some), (nil, nil):
                throw error(
                    node, "\"spec.filter.env[\(index)]\" must have either value or valueFrom",
                    hint: "write value: TEXT, or valueFrom: host for what the proxy itself has")
            }
        }
        return environment
    }

    /// A configuration: JSON, a text, or one of the messages that the original wrapped it in.
    func configuration(_ node: YAMLNode?, at path: String) throws -> String? {
        guard let node else { return nil }
        do {
            return try WrappedConfiguration.unwrap(node.json)
        } catch {
            throw self.error(node, error.message(path), hint: error.hint)
        }
    }
}

extension EnvoyPlugin.FailurePolicy {
    /// Its word on command lines and in files.
    package var word: String {
        switch self {
        case .reload: "reload"
        case .closed: "closed"
        case .open: "open"
        }
    }

    package init?(word: String) {
        guard let policy = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = policy
    }
}
