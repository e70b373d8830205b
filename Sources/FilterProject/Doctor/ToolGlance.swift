// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// A glance at the tools of each language: whether they are there, without asking them anything.
package struct ToolGlance: Sendable {
    private let surroundings: ToolSurroundings

    package init(environment: [String: String], folder: FilePath) {
        surroundings = ToolSurroundings(environment: environment, folder: folder)
    }

    /// The tools that a language needs and that are not there.
    private func lacking(_ language: Language) -> [LanguageTool] {
        language.tools.filter { tool in
            let chosen = surroundings.variables[tool.variable].flatMap { $0.isEmpty ? nil : $0 }
            let names = chosen.map { [$0] } ?? tool.programs
            return !tool.isOptional && !names.contains { surroundings.program($0) != nil }
        }
    }

    /// What a language needs and this machine has not, with what to do; nil if nothing is missing, as far as is known.
    package func missing(for name: String) -> String? {
        guard let language = Language.named(name), let first = lacking(language).first else { return nil }
        return "\(first.name) is not here, which \(first.purpose): \(first.advice(on: surroundings.system)); "
            + "'wasme doctor --language \(name)' says more"
    }

    /// Whether anything is known of the tools of a language.
    package func knows(_ name: String) -> Bool { Language.named(name)?.tools.isEmpty == false }

    /// Whether the tools of a language are there; not for one that wasme knows none of.
    package func isReady(_ name: String) -> Bool {
        Language.named(name).map { !$0.tools.isEmpty && lacking($0).isEmpty } ?? false
    }

    /// The same in a few words.
    package func note(for name: String) -> String {
        guard let language = Language.named(name), !language.tools.isEmpty else { return "-" }
        let lacking = lacking(language)
        return lacking.isEmpty ? "here" : "no \(lacking.map(\.name).joined(separator: ", "))"
    }

    /// Languages as people are shown them, those that wasme does not know last.
    package func order(_ names: Set<String>) -> [String] {
        let known = Language.all.map(\.name).filter { names.contains($0) }
        return known + names.subtracting(known).sorted()
    }
}
