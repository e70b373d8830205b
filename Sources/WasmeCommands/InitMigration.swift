// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FilterProject
import SystemPackage

extension Init {
    /// Takes over a project of the original wasme, in place or into a new folder.
    func migrate(_ original: String, in context: CommandContext) throws {
        let source = context.path(original)
        let destination = folder.map { context.path($0) } ?? source
        let name = try choice.name.map { try FilterName($0) }
        let derived = FilterName.derived(from: destination.lastComponent?.string ?? "")
        let project = try OriginalProject(in: source, language: choice.language, name: name ?? derived)
        let isCopy = destination != source
        guard !isCopy || !destination.starts(with: source) else {
            throw CommandError(
                .usage, "\"\(destination)\" is inside the old project",
                hint: "name a folder beside it, or none to take it over in place")
        }
        let (scaffold, leftOut) = try project.scaffold(copying: isCopy)
        if isCopy { try Scaffold.check(destination, force: force) }
        let manifest = try project.manifest()
        // In place nothing is replaced: there is no such file.
        let files =
            dryRun ? scaffold.files.map(\.path) : try scaffold.write(to: destination, force: force || !isCopy)
        try output.print(
            Result(
                folder: destination.string, name: scaffold.name.description, language: project.language,
                rootIds: project.rootIDs, files: files.sorted(), leftOut: leftOut, manifest: manifest,
                findings: project.findings, isDryRun: dryRun, shown: folder ?? original,
                missing: ToolGlance(in: context).missing(for: project.language)), in: context)
    }

    /// What became of an old project.
    struct Result: CommandResult {
        let folder: String
        let name: String
        let language: String
        let rootIds: [String]
        let files: [String]
        let leftOut: [String]
        let manifest: String
        let findings: [Diagnosis]
        let isDryRun: Bool
        let shown: String
        let missing: String?

        enum CodingKeys: CodingKey {
            case folder, name, language, rootIds, files, leftOut, manifest, findings
        }

        var text: String {
            var lines = [
                "\(isDryRun ? "would take over" : "took over") \(name) (\(language)) in \(shown): "
                    + (files.count == 1 ? "wasme.yaml is all that is added" : "\(files.count) files")
            ]
            lines += manifest.split(separator: "\n").map { "  \($0)" }
            if !leftOut.isEmpty { lines.append("not copied: \(leftOut.joined(separator: ", "))") }
            let marks: [Diagnosis.Level: String] = [.fault: "change", .warning: "look at", .note: "note"]
            for finding in findings {
                lines.append("\(marks[finding.level] ?? "note") \(finding.subject): \(finding.message)")
                if let advice = finding.advice { lines.append("  \(advice)") }
            }
            if let missing { lines.append("missing: \(missing)") }
            lines.append("next: wasme doctor \(shown); wasme build \(shown) -t \(name):v1")
            return lines.joined(separator: "\n")
        }
        var brief: String { folder }
    }
}
