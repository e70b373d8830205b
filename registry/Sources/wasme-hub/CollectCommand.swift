// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Hub
import HubStorage
import SystemPackage

/// `wasme-hub gc`: removes what nobody needs.
struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Remove what nobody needs.",
        discussion: """
            A hub that serves does this by itself every ten minutes, and when it gets SIGUSR1; this command is for a \
            folder that no hub serves. Blobs stay for a day after a push though no manifest needs them.

            EXAMPLES
              wasme-hub gc --data /srv/hub
              wasme-hub gc --lease 0
            """)

    @OptionGroup var data: DataOption

    @Option(help: "Seconds that a blob without a manifest stays.")
    var lease = Registry.Limits().blobLease

    @OptionGroup var output: FormatOption

    func run() async throws {
        try await Output.reporting {
            var limits = Registry.Limits()
            limits.blobLease = max(0, lease)
            let (registry, metadata) = try await Self.open(try data.folder(), limits)
            let collected = try await registry.collect(isDeep: true)
            try metadata.close()
            try Output.result(collected, output.format, text: collected.summary)
        }
    }

    /// Opens a folder; of one that a hub serves, says how that hub is asked.
    private static func open(
        _ path: FilePath, _ limits: Registry.Limits
    ) async throws -> (Registry, MetadataDatabase) {
        do {
            return try await OpenHub.open(path, limits: limits)
        } catch let error as HubError where error.code == .dataFolder && error.message.contains("is in use") {
            throw HubError(
                .dataFolder, error.message, cause: error.cause,
                hint:
                    "that hub collects by itself every ten minutes, and at once when it gets SIGUSR1: kill -USR1 PID",
                category: error.category)
        }
    }
}

extension Registry.Collected {
    /// For people.
    var summary: String {
        """
        removed \(blobs) blobs (\(bytes) bytes), \(links) links to blobs, \(manifests) manifests, \(tags) tags, \
        \(uploads) uploads, \(strays) stray files
        """
    }
}
