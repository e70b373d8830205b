// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage

/// Looks at what builds filters on this machine, through the same eyes as the builds themselves.
package struct Doctor: Sendable {
    private let surroundings: ToolSurroundings
    /// How long one program may take to answer.
    private let limit: Duration

    package init(_ surroundings: ToolSurroundings, limit: Duration = .seconds(20)) {
        self.surroundings = surroundings
        self.limit = limit
    }

    /// Looks at several languages at once.
    package func examine(_ languages: [Language]) async throws -> [LanguageDiagnosis] {
        try await inOrder(languages) { try await examine($0) }
    }

    /// Looks at the tools of a language.
    package func examine(_ language: Language) async throws -> LanguageDiagnosis {
        async let tools = inOrder(language.tools) { tool in try await look(at: tool) }
        let choice = try await look(at: language.choice)
        let looks = choice.looks + (try await tools)
        var findings = looks.map(\.diagnosis)
        let found = looks.compactMap(\.found)
        if let fault = choice.fault { findings.insert(fault, at: 0) }
        for trap in language.traps where trap.shows(in: found) {
            findings.append(Diagnosis(.warning, trap.name, trap.summary, advice: trap.advice))
        }
        if !language.knowsTools, language.driver == nil {
            findings.append(
                Diagnosis(
                    .note, language.title, "wasme knows no tools of it",
                    advice: "say how to build in wasme.yaml: build: {command: […], output: …}"))
        }
        return LanguageDiagnosis(
            name: language.name, title: language.title,
            canBuild: language.driver != nil && !findings.contains { $0.level == .fault },
            findings: findings,
            traps: language.traps.map {
                LanguageDiagnosis.Trap(name: $0.name, message: $0.summary, advice: $0.advice)
            })
    }

    /// Looks at a tool that belongs to no language, such as git.
    package func examine(_ tool: LanguageTool) async throws -> Diagnosis {
        try await look(at: tool).diagnosis
    }

    /// What was found out about one tool.
    private typealias Look = (diagnosis: Diagnosis, found: FoundTool?)

    /// Looks at tools of which one will do: those that can be used, else what is wrong with those that are there.
    private func look(at choice: ToolChoice?) async throws -> (looks: [Look], fault: Diagnosis?) {
        guard let choice else { return ([], nil) }
        let looks = try await inOrder(choice.tools) { tool in try await look(at: tool) }
        let good = looks.filter { $0.diagnosis.level == .ok }
        guard good.isEmpty else { return (good, nil) }
        let fault = Diagnosis(
            .fault, choice.name, choice.fault, advice: choice.install.sentence(on: surroundings.system),
            install: choice.install.everywhere)
        return (looks.filter { $0.found != nil }, fault)
    }

    private func look(at tool: LanguageTool, option: String? = nil) async throws -> Look {
        let bad: Diagnosis.Level = tool.isOptional ? .note : .fault
        let install = tool.install.everywhere
        let finding: ToolFinding?
        do {
            finding = try await within(limit) { [surroundings] in
                try await tool.look(in: surroundings, option: option)
            }
        } catch let error as ProjectError {
            let reason = error.cause.map { "\(error.message): \($0)" } ?? error.message
            return (
                Diagnosis(
                    bad, tool.name, reason, advice: tool.advice(on: surroundings.system), install: install),
                nil
            )
        }
        guard let finding else {
            return (
                Diagnosis(
                    bad, tool.name, "it does not answer within \(limit.components.seconds) s",
                    advice: "run it yourself to see what it waits for, or name another by \(tool.variable)",
                    install: install), nil
            )
        }
        let found = finding.found
        let (version, path) = (found?.version?.description, found?.path.string)
        guard let fault = finding.fault else {
            return (
                Diagnosis(
                    .ok, tool.name, found?.title ?? tool.name, version: version, path: path), found
            )
        }
        // What installs packages changes the system: that is for people to do.
        let isInstallation = fault.fix == tool.install.command(on: surroundings.system)
        let fix = isInstallation || fault.fix?.first == "sudo" ? nil : fault.fix
        let purpose = found == nil ? "\(fault.message), which \(tool.purpose)" : fault.message
        return (
            Diagnosis(
                bad, tool.name, purpose, advice: fault.advice, version: version, path: path, fix: fix,
                install: install), found
        )
    }

    /// Looks at a project's own files, and at what its manifest asks for beside its language's tools.
    package func examine(_ project: FilterProject) async throws -> [Diagnosis] {
        let build = project.manifest.build
        var findings = examine(filesIn: project.root, language: project.manifest.language)
        if let name = build.command.first, program(name) == nil {
            findings.append(
                Diagnosis(
                    .fault, FilterProject.manifestName,
                    "the build command \(quoted(name)) is not there or cannot be run",
                    advice: name.contains("/")
                        ? "it is relative to the project's folder; check the file and its permissions"
                        : "install it, or add its folder to PATH"))
        }
        if build.command.isEmpty, let swift = build.swift, project.manifest.language == Language.swift.name {
            findings.append(try await look(at: .swift, option: swift).diagnosis)
        }
        if !build.optimize.isEmpty {
            var tool = LanguageTool.wasmOpt
            tool.isOptional = false
            findings.append(try await look(at: tool).diagnosis)
        }
        return findings
    }

    /// Looks at the files of a folder as those of a project in a language.
    package func examine(filesIn folder: FilePath, language: String) -> [Diagnosis] {
        ProjectSign.find(in: folder, language: language).map { sign in
            Diagnosis(
                sign.isFatal ? .fault : .warning, sign.place, sign.message, advice: sign.advice,
                path: folder.pushing(FilePath(sign.file)).string)
        }
    }

    func program(_ name: String) -> FilePath? { surroundings.program(name) }

    /// Runs a command that mends something; what it prints goes to a descriptor.
    package func fix(_ command: [String], output: FileDescriptor) async throws {
        guard let name = command.first, let program = surroundings.program(name) else {
            throw ProjectError(
                .noToolchain, "cannot run \(quoted(command.joined(separator: " "))): there is no such program"
            )
        }
        let ending = try await ToolProcess.run(
            program, Array(command.dropFirst()), environment: surroundings.environment,
            in: surroundings.folder, output: output)
        guard ending.succeeded else {
            throw ProjectError(
                .buildFailed, "\(quoted(command.joined(separator: " "))) ended with \(ending)",
                hint: "its own output above says why")
        }
    }
}

/// Runs one piece of work for each item at once; the results are in the items' order.
private func inOrder<Item: Sendable, Result: Sendable>(
    _ items: [Item], _ work: @escaping @Sendable (Item) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        for (index, item) in items.enumerated() { group.addTask { (index, try await work(item)) } }
        var results: [(Int, Result)] = []
        for try await result in group { results.append(result) }
        return results.sorted { $0.0 < $1.0 }.map(\.1)
    }
}

/// Does something in a time; nil if it takes longer, and is stopped.
private func within<Result: Sendable>(
    _ limit: Duration, _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result? {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
    }
}
