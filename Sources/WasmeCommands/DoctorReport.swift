// SPDX-License-Identifier: Apache-2.0

import FilterProject

/// What the doctor found out.
struct DoctorReport: CommandResult {
    /// The project at hand.
    struct Project: Encodable {
        let name: String?
        let language: String?
        let folder: String
        /// Whether its manifest says what builds it, so that its language's usual tools do not matter.
        let usesOwnTools: Bool
        let findings: [Diagnosis]

        enum CodingKeys: CodingKey { case name, language, folder, findings }
    }

    /// The operating system, as it calls itself.
    let system: String
    let languages: [LanguageDiagnosis]
    /// What belongs to no language.
    let general: [Diagnosis]
    let project: Project?
    var showsEverySystem = false

    enum CodingKeys: CodingKey { case system, languages, general, project }

    var text: String {
        var lines = ["on \(system)", ""]
        let width = languages.map(\.title.count).max() ?? 0
        for language in languages {
            let good = language.findings.filter { $0.level == .ok }
            let bad = language.findings.filter { $0.level != .ok }
            let tools = good.map { "\($0.message)\($0.path.map { " (\($0))" } ?? "")" }.joined(
                separator: ", ")
            lines.append(
                "\(mark(language.canBuild ? .ok : .fault)) \(pad(language.title, width))  \(tools)".trimmed)
            for finding in bad { lines += detail(finding) }
            guard languages.count == 1 else { continue }
            for trap in language.traps where !bad.contains(where: { $0.subject == trap.name }) {
                lines.append("       beware: \(trap.message)")
                lines.append("               \(trap.advice)")
            }
        }
        lines.append("")
        let names = general.map(\.subject.count).max() ?? 0
        for finding in general {
            let place =
                finding.level == .ok && finding.subject != "store"
                ? finding.path.map { " (\($0))" } ?? "" : ""
            lines.append("\(mark(finding.level)) \(pad(finding.subject, names))  \(finding.message)\(place)")
            if let advice = finding.advice { lines.append("         \(advice)") }
        }
        if let project {
            lines += [
                "", "project \(project.name ?? project.folder)\(project.language.map { " (\($0))" } ?? "")",
            ]
            for finding in project.findings {
                lines.append("\(mark(finding.level)) \(finding.subject): \(finding.message)")
                if let advice = finding.advice { lines.append("         \(advice)") }
            }
        }
        return lines.joined(separator: "\n") + "\n\n" + summary
    }

    /// Whether the project at hand lacks what its build needs.
    var projectCannotBuild: Bool {
        guard let project else { return false }
        let lacksTools = languages.contains { $0.name == project.language && !$0.canBuild }
        return (lacksTools && !project.usesOwnTools) || project.findings.contains { $0.level == .fault }
    }

    var brief: String { languages.filter(\.canBuild).map(\.name).joined(separator: "\n") }

    private func detail(_ finding: Diagnosis) -> [String] {
        var lines = ["         \(finding.subject): \(finding.message)"]
        if let advice = finding.advice { lines.append("         \(advice)") }
        if let fix = finding.fix {
            lines.append("         'wasme doctor --fix' runs: \(fix.joined(separator: " "))")
        }
        guard showsEverySystem, let install = finding.install else { return lines }
        return lines + install.sorted { $0.key < $1.key }.map { "           \(pad($0.key, 6))  \($0.value)" }
    }

    private var summary: String {
        let able = languages.filter(\.canBuild)
        if languages.count == 1, let language = languages.first {
            return able.isEmpty
                ? "\(language.title) cannot be built here yet" : "\(language.title) can be built here"
        }
        return able.isEmpty
            ? "no language can be built here yet"
            : "can be built here: \(able.map(\.name).joined(separator: ", "))"
    }

    private func mark(_ level: Diagnosis.Level) -> String {
        switch level {
        case .ok: "ok      "
        case .note: "note    "
        case .warning: "warning "
        case .fault: "problem "
        }
    }
}

extension String {
    /// Without blanks at its end.
    fileprivate var trimmed: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
