// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
private import Foundation
import Hub

/// `wasme-hub config`: looks at settings without starting a hub.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check a configuration, or write one with every default.",
        discussion: """
            'wasme-hub serve --config FILE' reads a YAML file; variables WASME_HUB_… of the environment count more, and \
            options of the command line most. All that is wrong is named at once, with its line or variable.

            EXAMPLES
              wasme-hub config --print-defaults > hub.yaml
              wasme-hub config check hub.yaml
            """, subcommands: [Check.self])

    @Flag(help: "Write a file with every setting at its default.")
    var printDefaults = false

    func run() async throws {
        guard printDefaults else { throw CleanExit.helpRequest(self) }
        Output.result(HubConfiguration.sample)
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say all that is wrong with a configuration.")
        @Argument(help: "The file. (default: the environment alone)")
        var file: String?

        func run() async throws {
            try await Output.reporting {
                _ = try HubConfiguration(file: file).certificates()
                Output.result("nothing is wrong")
            }
        }
    }
}

extension HubConfiguration {
    /// What a file, if there is one, and the environment say.
    init(file: String?, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        self.init()
        if let file {
            guard let bytes = try? Data(contentsOf: URL(filePath: file)) else {
                throw HubError(.configuration, "\"\(file)\" cannot be read", category: .usage)
            }
            guard bytes.count <= 1 << 20, let text = String(validating: bytes, as: UTF8.self) else {
                throw HubError(
                    .configuration, "\"\(file)\" is no text, or larger than a MiB", category: .usage)
            }
            try apply(yaml: text, file: file)
        }
        try apply(environment: environment)
    }
}
