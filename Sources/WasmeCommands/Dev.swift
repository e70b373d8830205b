// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import DevLoop
import Diagnostics
import EnvoyControl
import Files
import FilterProject
import SystemPackage

/// `wasme dev`.
struct Dev: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keep a project's filter live in a real Envoy while you change it.",
        discussion: """
            Builds the project, checks the module for the project's targets, and runs it \
            in Envoy; then does so again whenever a file of the project or of --config \
            changes. Envoy takes the new version between two requests. What does not build, \
            or is refused, changes nothing: the version before goes on serving.

            Shows each request with what the filter changed of it, and what the filter \
            logs. After a change the last requests that differ are sent again, as their \
            clients sent them, and what comes out otherwise than before is shown: status, \
            headers, body, log, and what the upstream gets. Requests are not sent again if \
            their bodies are longer than 256 KiB or they have trailers. Mind that sending \
            them again repeats their effects upstream: --replay 0 does not.

            On a terminal keys work: l changes how much the filter logs, r sends the last \
            requests again, b builds, c clears the screen, q quits. In a pipe there are \
            plain lines, with --format json one JSON object each.

            Examples:
              wasme dev
              wasme dev add-header --upstream http://127.0.0.1:3000
              wasme dev --config @config.json --listen 127.0.0.1:0
              wasme dev --replay 20 --log-level debug
            """)

    @Argument(
        help: ArgumentHelp(
            "The project's folder, or one below it (default: the current one).", valueName: "project"))
    var project = "."

    @OptionGroup var options: RunOptions

    @Option(
        help: ArgumentHelp("How many of the last requests are sent again after a change.", valueName: "n"))
    var replay = 5

    @Flag(help: "Build with the names of functions and what a debugger needs.")
    var debug = false

    @Flag(name: .customLong("no-check"), help: "Run also what the project's targets do not take.")
    var skipsCheck = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (0...100).contains(replay) else {
            throw ValidationError("--replay is a number from 0 to 100, not \(replay)")
        }
    }

    func run(in context: CommandContext) async throws {
        let binary = try await context.envoy(option: options.envoy)
        let first = try FilterProject.find(from: context.path(project))
        var settings = try options.settings(first.manifest.module.type == .network ? .network : .http)
        settings.records = true
        let logLevel = settings.logLevel
        let transport = context.makeTransport()
        try await FilterFront.run(binary, settings, transport: transport) { front in
            let keyboard = context.terminal.isInteractive ? DevKeyboard() : nil
            defer { keyboard?.restore() }
            let view = DevView(
                name: first.manifest.name.description, output: output, terminal: context.terminal,
                envoy: try await front.envoy.admin.serverInfo().version, logLevel: logLevel,
                hasKeys: keyboard != nil)
            defer { view.close() }
            let watch = try ProjectWatch(first)
            let session = DevSession(
                front, replays: replay, transport: transport,
                make: { try await make(first.root, view, in: context) }, report: { view.show($0) })
            let isFinished = try await finished(session, front, watch, keyboard, view, in: context)
            if !isFinished {
                throw CommandError(
                    .failed, "envoy ended by itself", hint: "what the filter did last is above")
            }
        }
    }

    /// Lets all that has to go on go on.
    /// - Returns: whether somebody wanted the end, and not Envoy.
    private func finished(
        _ session: DevSession, _ front: FilterFront, _ watch: ProjectWatch, _ keyboard: DevKeyboard?,
        _ view: DevView, in context: CommandContext
    ) async throws -> Bool {
        let tell = session.tell
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                var session = session
                try await session.run()
                return true
            }
            group.addTask {
                while true { tell(.saved(at: try await watch.change())) }
            }
            if let file = options.configFile(in: context) {
                group.addTask {
                    var watch = FileWatch(file)
                    while true { tell(.saved(at: try await watch.change())) }
                }
            }
            group.addTask {
                while front.envoy.isRunning {
                    try await Task.sleep(for: .milliseconds(100))
                    view.tick()
                }
                return false
            }
            if let keyboard {
                group.addTask {
                    while true {
                        switch try await keyboard.key() {
                        case "q": return true
                        case "l": tell(.cycleLogLevel)
                        case "r": tell(.replay)
                        case "b": tell(.rebuild)
                        case "c": view.clear()
                        default: break
                        }
                    }
                }
            }
            defer { group.cancelAll() }
            return try await group.next() ?? true
        }
    }

    // MARK: - Building

    /// Builds what is in the project's folder now.
    private func make(
        _ root: FilePath, _ view: DevView, in context: CommandContext
    ) async throws -> FilterVersion {
        let project = try FilterProject.find(from: root)
        // Under the status line nobody else may write to the terminal: what the toolchain says is shown if it fails.
        let log = try ToolLog()
        do {
            let built = try await project.build(
                checks: !skipsCheck, in: context,
                configure: { build in
                    build.configuration = debug ? .debug : .release
                    build.showsOutput = false
                    build.output = log.descriptor
                }
            ) { line in
                view.progress(line)
            }
            return try FilterVersion(RunnableFilter(built), config: options.config, in: context)
        } catch {
            view.notes(log.lines())
            throw error
        }
    }
}

extension RunOptions {
    /// The file that `--config` names; nil if it names none.
    func configFile(in context: CommandContext) -> FilePath? {
        guard let config, config.hasPrefix("@") else { return nil }
        return context.path(String(config.dropFirst()))
    }
}

/// Takes what a toolchain prints, in a file without a name.
private struct ToolLog: ~Copyable {
    let descriptor: FileDescriptor

    init() throws {
        let folder = try RunFolder()
        descriptor = try FileDescriptor.open(
            folder.path.appending("output"), .readWrite, options: [.create, .closeOnExec],
            permissions: .ownerReadWrite)
    }

    deinit { try? descriptor.close() }

    /// The last lines.
    func lines() -> [String] {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let end = (try? descriptor.seek(offset: 0, from: .end)) ?? 0
        let start = max(0, end - Int64(bytes.count))
        let count =
            (try? bytes.withUnsafeMutableBytes { try descriptor.read(fromAbsoluteOffset: start, into: $0) })
        return String(decoding: bytes.prefix(count ?? 0), as: UTF8.self)
            .split(whereSeparator: \.isNewline).map { DevText.printable($0) }
    }
}
