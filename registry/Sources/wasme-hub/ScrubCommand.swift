// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HubStorage

/// `wasme-hub scrub`: reads everything and names what is damaged.
struct ScrubCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scrub", abstract: "Read everything and name what is damaged.",
        discussion: """
            Holds every blob and manifest against its digest, and the database against its own rules. Changes nothing, \
            and runs beside a hub that serves the folder. Exits with 1 if something is damaged; pushing an image again \
            mends its blobs.

            EXAMPLES
              wasme-hub scrub
              wasme-hub scrub --data /srv/hub --format json
            """)

    @OptionGroup var data: DataOption

    @OptionGroup var output: FormatOption

    func run() async throws {
        try await Output.reporting {
            let report = try Scrub(try data.folder()).run()
            var lines = report.damage.map { damage in
                ([damage.message] + damage.images.map { "  needed by \($0)" }).joined(separator: "\n")
            }
            lines.append(
                "\(report.blobs) blobs (\(report.bytes) bytes) and \(report.manifests) manifests read, "
                    + (report.damage.isEmpty ? "nothing is damaged" : "\(report.damage.count) damaged"))
            try Output.result(report, output.format, text: lines.joined(separator: "\n"))
            if !report.damage.isEmpty { throw ExitCode(1) }
        }
    }
}
