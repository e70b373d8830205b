// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Hub
import HubFacts
import HubStorage
import Logging
import SystemPackage

/// `wasme-hub reindex`: finds out anew what the hub knows of filters.
struct ReindexCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reindex",
        abstract: "Read everything that was pushed, and keep anew what is known of filters.",
        discussion: """
            What the hub knows of filters (imports, capabilities, hosts that take them, README) it reads out of what \
            was pushed; this throws nothing away that was pushed, and loses nothing. A hub does it by itself when \
            something is pushed and after an upgrade. If a hub serves the folder, it is the one that reads, beside \
            its requests, and this command waits for it.

            EXAMPLES
              wasme-hub reindex
              wasme-hub reindex --data /srv/hub --format json
            """)

    @OptionGroup var data: DataOption

    @OptionGroup var output: FormatOption

    private struct Report: Encodable {
        /// Manifests that were read, those of filters among them, and those that are or claim to be filters and cannot be
        /// read.
        let manifests: Int
        let filters: Int
        let unreadable: Int
    }

    func run() async throws {
        try await Output.reporting {
            let path = try data.folder()
            let metadata: MetadataDatabase
            do {
                let opened = try await OpenHub.open(path)
                var logger = Logger(
                    label: "wasme-hub", factory: { StreamLogHandler.standardError(label: $0) })
                logger.logLevel = .warning
                _ = try await FactIndexer(opened.registry, FilterReader(), logger: logger).readEverything()
                metadata = opened.metadata
            } catch let error as HubError where error.code == .folderInUse {
                Output.note("note: a hub serves \"\(path)\" and reads beside its requests; waiting for it")
                metadata = try await HubFolder.database(path)
                try await metadata.forgetFacts()
                while try await metadata.pendingCount() > 0 { try await Task.sleep(for: .milliseconds(200)) }
            }
            let counts = try await metadata.factCounts()
            try metadata.leave()
            let report = Report(
                manifests: counts.values.reduce(0, +), filters: counts[.filter] ?? 0,
                unreadable: counts[.unreadable] ?? 0)
            try Output.result(
                report, output.format,
                text: "\(report.manifests) manifests read: \(report.filters) filters"
                    + (report.unreadable == 0 ? "" : ", \(report.unreadable) that cannot be read"))
        }
    }
}
