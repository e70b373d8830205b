// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import FilterProject
import Foundation
import HostProfiles
import WasmeTemplates

/// What a new project is to be.
struct InitChoice: ParsableArguments {
    @Option(
        help: ArgumentHelp("The language to write the filter in.", valueName: "language"),
        completion: .custom { _, _, _ in completions { $0.language } })
    var language: String?

    @Option(
        help: ArgumentHelp(
            "What the filter does (default: http-headers, where the language has it).", valueName: "kind"),
        completion: .custom { words, _, _ in
            let language = words.firstIndex(of: "--language").map { words.dropFirst($0 + 1).first }
            return completions { language == nil || language == $0.language ? $0.kind : nil }
        })
    var kind: String?

    @Option(help: ArgumentHelp("The filter's name (default: the folder's).", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("One line on what the filter does.", valueName: "text"))
    var description: String?

    @Option(
        help: ArgumentHelp(
            "A host that the filter is for, as in 'envoy>=1.33'; may be repeated.", valueName: "host"))
    var target: [String] = []

    @Option(help: ArgumentHelp("The SPDX expression of its licence.", valueName: "licence"))
    var licence: String?

    /// The values, checked.
    func choices() throws -> Scaffold.Choices {
        var choices = Scaffold.Choices()
        choices.description = description
        choices.licence = licence
        choices.targets = try Self.targets(target)
        return choices
    }

    /// Reads targets, and looks whether each host is known.
    static func targets(_ texts: [String]) throws -> [HostTarget] {
        let catalog = try HostCatalog.bundled()
        var targets: [HostTarget] = []
        for text in texts {
            let target = try HostTarget(text)
            _ = try catalog.profiles(for: target)
            guard !targets.contains(where: { $0.host == target.host }) else {
                throw CommandError(
                    .usage, "the host \"\(target.host)\" is there twice",
                    hint: "give it one range, as in 'istio>=1.22,<1.28'")
            }
            targets.append(target)
        }
        return targets
    }

    /// What a shell offers: of each template a word, each word once.
    private static func completions(_ word: (ProjectTemplate) -> String?) -> [String] {
        // A shell has no use for an error.
        guard let catalog = try? TemplateCatalog.find(environment: ProcessInfo.processInfo.environment),
            let templates = try? ProjectTemplate.all(in: catalog)
        else { return [] }
        return Set(templates.compactMap(word)).sorted()
    }
}
