// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// A glance at the tools of each language: whether they are there, without asking them anything.
package struct ToolGlance: Sendable {
    private let surroundings: ToolSurroundings

    package init(environment: [String: String], folder: FilePath) {
        surroundings = ToolSurroundings(environment: environment, folder: folder)
    }

    /// Something that a language needs and that is not there.
    private struct Lack {
        let name: String
        /// What is wrong and what to do, one line.
        let text: String
    }

    private func lacking(_ language: Language) -> [Lack] {
        var lacks: [Lack] = []
        if let choice = language.choice, !choice.tools.contains(where: isThere) {
            lacks.append(
                Lack(
                    name: choice.name,
                    text: "\(choice.fault): \(choice.install.sentence(on: surroundings.system))"))
        }
        for tool in language.tools where !tool.isOptional && !isThere(tool) {
            lacks.append(
                Lack(
                    name: tool.name,
                    text:
                        "\(tool.name) is not here, which \(tool.purpose): \(tool.advice(on: surroundings.system))"
                ))
        }
        return lacks
    }

    private func isThere(_ tool: LanguageTool) -> Bool {
        let chosen = surroundings.variables[tool.variable].flatMap { $0.isEmpty ? nil : $0 }
        let names = chosen.map { [$0] } ?? tool.programs
        return names.contains { surroundings.program($0) != nil }
    }

    /// What a language needs and this machine has not, with what to do; nil if nothing is missing, as far as is known.
    package func missing(for name: String) -> String? {
        guard let language = Language.named(name), let first = lacking(language).first else { return nil }
        return "\(first.text); 'wasme doctor --language \(name)' says more"
    }

    /// Whether anything is known of the tools of a language.
    package func knows(_ name: String) -> Bool { Language.named(name)?.knowsTools == true }

    /// Whether the tools of a language are there; not for one that wasme knows none of.
    package func isReady(_ name: String) -> Bool {
        Language.named(name).map { $0.knowsTools && lacking($0).isEmpty } ?? false
    }

    /// The same in a few words.
    package func note(for name: String) -> String {
        guard let language = Language.named(name), language.knowsTools else { return "-" }
        let lacking = lacking(language)
        return lacking.isEmpty ? "here" : "no \(lacking.map(\.name).joined(separator: ", "))"
    }

    /// Languages as people are shown them, those that wasme does not know last.
    package func order(_ names: Set<String>) -> [String] {
        let known = Language.all.map(\.name).filter { names.contains($0) }
        return known + names.subtracting(known).sorted()
    }
}
