// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CurlTransport
import Diagnostics
private import Foundation
import Hub
import HubStorage
private import OCI
import SystemPackage

/// `wasme-hub sync`: copies repositories of another registry, once.
struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Copy repositories of another registry into the hub.",
        discussion: """
            Images come whole: indexes with all their images, and what refers to them. What is here already is not fetched \
            again, and a blob that broke off is taken up where it broke. A hub that serves the data folder does the \
            copying itself. For copies at regular times see 'sync' in 'wasme-hub config --print-defaults'.

            EXAMPLES
              wasme-hub sync registry.example.com/acme/proxy:v1
              wasme-hub sync 'registry.example.com/acme/proxy:v1.*' --into copies
              wasme-hub sync 'registry.example.com/acme/*' --all-tags --prune --format json
              wasme-hub sync http://127.0.0.1:5001/acme/proxy --username ada --password-file secret
            """)

    @OptionGroup var data: DataOption

    @Argument(
        help:
            "What to copy: REGISTRY/REPOSITORY[:TAG], where * and ? may stand in the tag and /* ends a name.")
    var sources: [String]

    @Option(help: "What the names of the copies begin with here. (default: nothing)")
    var into = ""

    @Flag(help: "Copy all tags of those that name none. (default: latest)")
    var allTags = false

    @Flag(name: .customLong("no-referrers"), help: "Leave out what refers to the images.")
    var noReferrers = false

    @Flag(help: "Remove tags here that are gone there.")
    var prune = false

    @Option(help: "Who asks. (default: nobody)")
    var username: String?

    @Option(help: "The file with the password or token.")
    var passwordFile: String?

    @Option(help: "A file with the authority of the registry's certificate.")
    var ca: String?

    @Option(help: "A file with the certificate that the hub shows there.")
    var cert: String?

    @Option(help: "A file with its key. (default: the certificate's file)")
    var key: String?

    @Option(help: "The host that gives tokens, if it is in another domain than the registry.")
    var tokenService: String?

    @OptionGroup var output: FormatOption

    func run() async throws {
        try await Output.reporting {
            let requests = try sources.map(request)
            let folder = try data.folder()
            var total = SyncReport()
            for request in requests { total.merge(try await copy(request, folder)) }
            try Output.result(total, output.format, text: total.text)
            if total.count(.failed) > 0 { throw ExitCode(DiagnosticCategory.failed.rawValue) }
        }
    }

    /// Reads what is to be copied.
    private func request(_ source: String) throws -> SyncRequest {
        let schemes = ["https://", "http://"]
        let scheme = schemes.first { source.hasPrefix($0) } ?? ""
        let rest = source.dropFirst(scheme.count)
        guard let slash = rest.firstIndex(of: "/") else {
            throw HubError(
                .configuration, "\"\(source)\" names no repository",
                hint: "write REGISTRY/REPOSITORY[:TAG], as in registry.example.com/acme/proxy:v1",
                category: .usage)
        }
        var repository = rest[rest.index(after: slash)...]
        var tags = allTags ? ["*"] : ["latest"]
        if let colon = repository.lastIndex(of: ":") {
            tags = [String(repository[repository.index(after: colon)...])]
            repository = repository[..<colon]
        }
        func path(_ text: String?) -> String? { text.map { DataOption.path($0).string } }
        let request = SyncRequest(
            registry: scheme + rest[..<slash], repositories: [String(repository)], tags: tags, into: into,
            includesReferrers: !noReferrers, prunes: prune, username: username,
            passwordFile: path(passwordFile), passwordVariable: nil, authority: path(ca),
            certificate: path(cert), key: path(key), tokenService: tokenService)
        do {
            try request.validate()
        } catch {
            throw HubError(.configuration, "\"\(source)\" cannot be copied: \(error.text)", category: .usage)
        }
        return request
    }

    private func copy(_ request: SyncRequest, _ folder: FilePath) async throws -> SyncReport {
        let display = SyncDisplay()
        defer { display.end() }
        do {
            let (registry, metadata) = try await OpenHub.open(folder)
            defer { try? metadata.close() }
            return try await Synchronizer(registry, try request.rule(CurlTransport()), observe: display.show)
                .run()
        } catch let error as HubError where error.code == .folderInUse {
            return try await ask(request, folder, display)
        }
    }

    /// Has the hub do it that serves the folder.
    private func ask(
        _ request: SyncRequest, _ folder: FilePath, _ display: SyncDisplay
    ) async throws -> SyncReport {
        let database = try await HubFolder.database(folder)
        defer { try? database.leave() }
        let store = database.acting(for: .host)
        let id = try await store.requestSync(
            String(decoding: try JSONEncoder().encode(request), as: UTF8.self))
        var next = ContinuousClock.now + .seconds(5)
        while let state = try await store.syncState(id) {
            if let report = state.report {
                return try JSONDecoder().decode(SyncReport.self, from: Data(report.utf8))
            }
            if let problem = state.problem { throw HubError(.configuration, problem) }
            if let progress = state.progress { display.show(progress) }
            // Looking takes the lock for a moment, so that it is not done often.
            if ContinuousClock.now > next {
                next = .now + .seconds(5)
                guard try DataFolder.isInUse(folder) else {
                    try await store.withdrawSync(id)
                    throw HubError(
                        .dataFolder, "the hub that served \"\(folder)\" has stopped",
                        hint: "run the command again")
                }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw HubError(.dataFolder, "the request was taken back by somebody else")
    }
}

/// What is being copied, on one line of a terminal; nothing elsewhere.
private struct SyncDisplay: Sendable {
    private let isTerminal = isatty(2) == 1

    func show(_ step: String) {
        guard isTerminal else { return }
        try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K\(step.prefix(79))".utf8))
    }

    func end() {
        guard isTerminal else { return }
        try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K".utf8))
    }
}

extension SyncReport {
    /// For people: a line for each tag that changed, and the sum.
    fileprivate var text: String {
        let lines = images.filter { $0.state != .unchanged }.map { image in
            let name = image.tag.map { "\(image.repository):\($0)" } ?? image.repository
            return ["\(image.state.rawValue)", name, image.digest?.description, image.problem]
                .compactMap(\.self).joined(separator: "\t")
        }
        return (lines + [summary]).joined(separator: "\n")
    }
}
