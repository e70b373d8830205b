// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `wasme completion`.
struct Completion: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what lets a shell complete wasme's command lines.",
        discussion: """
            Examples:
              wasme completion bash > ~/.local/share/bash-completion/completions/wasme
              wasme completion zsh > ~/.zsh/completions/_wasme
              wasme completion fish > ~/.config/fish/completions/wasme.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash
        case zsh
        case fish
    }

    @Argument(help: ArgumentHelp("The shell.", valueName: "bash|zsh|fish"))
    var shell: Shell

    func run(in context: CommandContext) async throws {
        let shell: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        context.terminal.writeOutput(Wasme.completionScript(for: shell) + "\n")
    }
}
