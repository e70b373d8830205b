// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import DevLoop
import Diagnostics
import EnvoyControl
import OCI

/// `wasme run`.
struct Run: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a filter in a real Envoy, in front of something.",
        discussion: """
            Builds a project, or takes an image or a module as it is, and runs it until \
            Ctrl-C: in front of --upstream, or of an Envoy that answers with a short text. \
            Says where it listens once Envoy's own statistics show that every worker runs \
            the filter. What the filter logs goes to standard error.

            Requests go to the upstream with its name as their Host, and TLS is spoken \
            where its URL says https.

            Examples:
              wasme run
              wasme run add-header --upstream http://127.0.0.1:3000
              wasme run localhost:5000/acme/add-header:v1 --upstream https://example.com
              wasme run filter.wasm --config '{"header": "x"}' --listen 127.0.0.1:0
              wasme run add-header --config @config.json --log-level debug
            """)

    @Argument(
        help: ArgumentHelp(
            "The project's folder, the image, or a .wasm file (default: the current folder).",
            valueName: "project|ref|file"))
    var filter = "."

    @OptionGroup var options: RunOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let binary = try await context.envoy(option: options.envoy)
        // What cannot be listened on or asked is no reason to build first.
        _ = try HostPort(options.listen)
        _ = try options.upstream.map { try Upstream($0) }
        let loaded = try await RunnableFilter.load(
            filter, store: store, access: access, quiet: output.quiet, in: context)
        let version = try FilterVersion(loaded, config: options.config, in: context)
        let settings = try options.settings(version.kind)
        try await FilterFront.run(binary, settings, transport: context.makeTransport()) { front in
            var log = EnvoyLogTail(front.envoy.log)
            _ = try log.next()
            guard try await front.install(version, as: "1") == .accepted else {
                throw EnvoyReason(try log.next()).error(version)
            }
            try output.print(
                Running(version, front, digest: loaded.digest, proof: try await proof(version, front)),
                in: context)
            output.note("stop with Ctrl-C", in: context)
            try await follow(front, in: context)
        }
    }

    private func proof(_ version: FilterVersion, _ front: FilterFront) async throws -> String {
        switch try await front.envoy.admin.proveLoaded() {
        case .loaded(let machines, let workers, _):
            return "\(machines) virtual machines on \(workers) workers"
        case .failed(let reason), .notProved(let reason):
            throw CommandError(
                .failed, "not proved that envoy runs \"\(version.name)\": \(reason)",
                hint: "'wasme check --run' says more")
        }
    }

    /// Shows what the filter logs until Envoy ends or the task is cancelled.
    private func follow(_ front: FilterFront, in context: CommandContext) async throws {
        let text = DevText(paint: Paint(isActive: context.terminal.showsNoteColour))
        var log = FilterLog(front.envoy.log)
        while true {
            // First whether it ended: what it wrote before is then in the log.
            let isRunning = front.envoy.isRunning
            for line in try log.next().compactMap(FilterLogLine.init) {
                for line in text.log(line) { output.note(line, in: context) }
            }
            guard isRunning else {
                throw CommandError(
                    .failed, "envoy ended by itself",
                    hint: "what it said last is above; --log-level debug shows more")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// The Envoy that runs.
    struct Running: CommandResult {
        let name: String
        /// `http` or `network`.
        let type: String
        /// Where it listens.
        let listener: String
        /// What is behind the filter; nil for Envoy itself.
        let upstream: String?
        let admin: String
        let pid: Int32
        /// Of the image; nil for a project and a file.
        let digest: Digest?
        /// Of the module.
        let moduleDigest: Digest
        /// What Envoy's own statistics say.
        let proof: String

        init(_ version: FilterVersion, _ front: FilterFront, digest: Digest?, proof: String) {
            name = version.name
            type = version.kind.rawValue
            listener = "\(version.kind == .http ? "http" : "tcp")://\(front.address)"
            upstream = front.settings.upstream?.description
            admin = "http://\(front.envoy.admin.address)"
            pid = front.envoy.pid
            self.digest = digest
            moduleDigest = version.digest
            self.proof = proof
        }

        var text: String {
            var lines = [
                "live at \(listener)", "in front of \(upstream ?? "an answer of Envoy's own")",
                "admin at \(admin) (process \(pid))", "loaded: \(proof)",
            ]
            if let digest { lines.append("\(digest)") }
            return lines.joined(separator: "\n")
        }
        var brief: String { listener }
    }
}
