// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HubStorage

/// `wasme-hub backup`: copies the data folder.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the data folder, also while a hub serves it.",
        discussion: """
            The copy holds everything of one moment and is a data folder itself. Blobs share their bytes with the \
            original where the file system can, so it takes little space; copy the backup to another disk to survive \
            this one. Uploads under way are not part of it.

            EXAMPLES
              wasme-hub backup /backup/hub-monday
              wasme-hub serve --data /backup/hub-monday --listen 127.0.0.1:0
            """)

    @Argument(help: "The folder to make.")
    var folder: String

    @OptionGroup var data: DataOption

    @OptionGroup var output: FormatOption

    func run() async throws {
        try await Output.reporting {
            let report = try Backup(of: try data.folder(), to: DataOption.path(folder)).run()
            try Output.result(
                report, output.format,
                text:
                    "\(report.repositories) repositories with \(report.blobs) blobs (\(report.bytes) bytes) are in \(DataOption.path(folder))"
            )
        }
    }
}

/// `wasme-hub restore`: makes a data folder of a backup.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a data folder of a backup.",
        discussion: """
            Reads the whole backup first and restores nothing that is damaged. The data folder must not be there yet.

            EXAMPLES
              wasme-hub restore /backup/hub-monday --data /srv/hub
            """)

    @Argument(help: "The backup.")
    var folder: String

    @OptionGroup var data: DataOption

    @OptionGroup var output: FormatOption

    func run() async throws {
        try await Output.reporting {
            let source = DataOption.path(folder)
            let damage = try Scrub(source).run().damage
            guard damage.isEmpty else {
                for entry in damage { Output.note(entry.message) }
                Output.note("error: backup \"\(source)\" is damaged, nothing was restored")
                throw ExitCode(1)
            }
            let target = try data.folder()
            let report = try Backup(of: source, to: target).run()
            try Output.result(
                report, output.format,
                text:
                    "\(report.repositories) repositories with \(report.blobs) blobs (\(report.bytes) bytes) are in \(target)"
            )
        }
    }
}
