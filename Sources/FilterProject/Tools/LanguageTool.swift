// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// A program that builds filters of a language: where it is looked for, how it says its version, what installs it.
///
/// Drivers ask for it by `find`, and `wasme doctor` by `look`; so both say the same.
package struct LanguageTool: Sendable {
    /// What people call it, as in "Swift" or "cargo".
    package let name: String
    /// Its names in PATH, the best first.
    package let programs: [String]
    /// The variable that names it instead, as in `WASME_CARGO`.
    package let variable: String
    /// What the build needs it for: "compiles filters".
    package let purpose: String
    /// How it is asked for its version: the first answer that has one counts; none are asked if it has no version.
    package var questions = [ToolQuestion("--version")]
    /// Finds the version in an answer.
    package var readVersion: @Sendable (String) -> ToolVersion? = { ToolVersion(in: $0) }
    /// The oldest version that has what is needed.
    package var minimum: ToolVersion?
    /// Whether a build does without it.
    package var isOptional = false
    package let install: InstallAdvice
    /// Looks for it elsewhere if it is not in PATH and nobody has said where it is.
    package var locate: @Sendable (ToolSurroundings) async throws -> FilePath? = { _ in nil }
    /// Looks closer at a program of a good version: at a library, a target or a second program that it needs.
    package var examine: @Sendable (FoundTool, ToolSurroundings) async throws -> ToolFault? = { _, _ in nil }

    package init(
        _ name: String, programs: [String], variable: String, purpose: String, install: InstallAdvice,
        minimum: ToolVersion? = nil, isOptional: Bool = false
    ) {
        self.name = name
        self.programs = programs
        self.variable = variable
        self.purpose = purpose
        self.install = install
        self.minimum = minimum
        self.isOptional = isOptional
    }

    /// Finds the program and looks at it: its variable, else the project's own choice, else PATH.
    /// - Parameters:
    ///   - surroundings: where to look.
    ///   - option: the project's choice: a name that is looked for in PATH, or a path.
    /// - Returns: what was found, and what is wrong with it.
    /// - Throws: `CancellationError`, or that a program could not be started.
    package func look(in surroundings: ToolSurroundings, option: String? = nil) async throws -> ToolFinding {
        let chosen = surroundings.variables[variable].flatMap { $0.isEmpty ? nil : $0 }
        let names = (chosen ?? option).map { [$0] } ?? programs
        var found = names.lazy.compactMap({ surroundings.program($0) }).first
        if found == nil, chosen == nil, option == nil, let place = try await locate(surroundings) {
            found = surroundings.program(place.string)
        }
        guard let path = found else {
            let isVariable = chosen != nil
            let fault =
                isVariable
                ? ToolFault(
                    "\(variable) is \(quoted(names[0])), which is no program",
                    advice: "set it to the path of \(name), or unset it to use the one in PATH")
                : ToolFault(
                    "there is no \(names.map(quoted).joined(separator: " or ")) in PATH",
                    advice: advice(on: surroundings.system, orElse: "set \(variable) to its path"),
                    fix: install.command(on: surroundings.system))
            return ToolFinding(tool: self, state: .missing(fault))
        }
        return try await look(at: path, in: surroundings)
    }

    private func look(at path: FilePath, in surroundings: ToolSurroundings) async throws -> ToolFinding {
        var answer = ""
        var version: ToolVersion?
        var complaint = ""
        for question in questions where version == nil {
            let asked = question.sibling.map { path.removingLastComponent().appending($0) } ?? path
            if question.sibling != nil, surroundings.program(asked.string) == nil {
                let fault = ToolFault(
                    "there is no \(asked.lastComponent?.string ?? "") beside \"\(path)\"",
                    advice: advice(on: surroundings.system))
                return ToolFinding(tool: self, state: .missing(fault))
            }
            let words = try await ToolProcess.capture(
                asked, question.arguments, environment: surroundings.environment, in: surroundings.folder)
            answer = words.stdout
            // What a program says that failed may have any number in it.
            if words.succeeded { version = readVersion(words.stdout) ?? readVersion(words.stderr) }
            complaint =
                words.stderr.split(separator: "\n").first.map { ": it says \(quoted(String($0)))" } ?? ""
        }
        let found = FoundTool(name: name, path: path, version: version, answer: answer)
        if !questions.isEmpty, version == nil {
            let command = "\(path) \(questions.last?.arguments.joined(separator: " ") ?? "")"
            let fault = ToolFault(
                "\"\(path)\" does not say its version\(complaint)",
                advice: "run '\(command)' to see what is wrong with it")
            return ToolFinding(tool: self, state: .unusable(found, fault))
        }
        if let minimum, let version, version < minimum {
            let fault = ToolFault(
                "\"\(path)\" is \(name) \(version), and filters need \(minimum) or later",
                advice: advice(on: surroundings.system, orElse: "set \(variable) to the path of a newer one"))
            return ToolFinding(tool: self, state: .tooOld(found, fault))
        }
        if let fault = try await examine(found, surroundings) {
            return ToolFinding(tool: self, state: .unusable(found, fault))
        }
        return ToolFinding(tool: self, state: .good(found))
    }

    /// Finds the program, or says what is missing and what to do on this machine.
    /// - Throws: `ProjectError` of code `noToolchain`.
    package func find(in surroundings: ToolSurroundings, option: String? = nil) async throws -> FoundTool {
        switch try await look(in: surroundings, option: option).state {
        case .good(let found): return found
        case .missing(let fault), .tooOld(_, let fault), .unusable(_, let fault):
            throw ProjectError(.noToolchain, "cannot build: \(fault.message)", hint: fault.advice)
        }
    }

    /// What installs it on a system, and another way out.
    package func advice(on system: HostSystem, orElse other: String? = nil) -> String {
        install.sentence(on: system) + (other.map { ", or \($0)" } ?? "")
    }
}

/// How a program is asked for its version.
package struct ToolQuestion: Sendable, Hashable {
    package let arguments: [String]
    /// The program beside it that answers in its place.
    package let sibling: String?

    package init(_ arguments: String..., of sibling: String? = nil) {
        self.arguments = arguments
        self.sibling = sibling
    }
}

/// A program that is there.
package struct FoundTool: Sendable, Hashable {
    /// The tool's name.
    package let name: String
    package let path: FilePath
    /// Nil for a program without one.
    package let version: ToolVersion?
    /// All that it said when it was asked for its version.
    package let answer: String

    package init(name: String, path: FilePath, version: ToolVersion?, answer: String = "") {
        self.name = name
        self.path = path
        self.version = version
        self.answer = answer
    }

    /// As in "Swift 6.3.1".
    package var title: String { version.map { "\(name) \($0)" } ?? name }
}

/// What is wrong with a tool, and what to do about it.
package struct ToolFault: Sendable, Hashable {
    /// What is wrong, as in "there is no \"cargo\" in PATH".
    package let message: String
    /// What to do, one line.
    package let advice: String
    /// The command that mends it, if one does.
    package let fix: [String]?

    package init(_ message: String, advice: String, fix: [String]? = nil) {
        self.message = message
        self.advice = advice
        self.fix = fix
    }
}

/// What came of looking for a tool.
package struct ToolFinding: Sendable {
    /// Whether it can be used.
    package enum State: Sendable {
        case good(FoundTool)
        case missing(ToolFault)
        case tooOld(FoundTool, ToolFault)
        case unusable(FoundTool, ToolFault)
    }

    package let tool: LanguageTool
    package let state: State

    package var found: FoundTool? {
        switch state {
        case .good(let found), .tooOld(let found, _), .unusable(let found, _): found
        case .missing: nil
        }
    }

    package var fault: ToolFault? {
        switch state {
        case .good: nil
        case .missing(let fault), .tooOld(_, let fault), .unusable(_, let fault): fault
        }
    }
}
