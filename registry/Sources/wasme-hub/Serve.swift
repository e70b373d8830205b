// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
private import Foundation
import Hub
import HubHTTP
import HubStorage
import Logging
import OCI
import ServiceLifecycle
import SystemPackage
import UnixSignals

/// `wasme-hub serve`: runs the hub until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the registry.",
        discussion: """
            Needs no configuration: without options it keeps its data in the user's data folder and listens on this \
            machine only. When it is ready it prints one line, "listening on http://ADDRESS:PORT".

            EXAMPLES
              wasme-hub serve
              wasme-hub serve --data /srv/hub --listen 127.0.0.1:5050
              wasme-hub serve --listen 127.0.0.1:0
            """)

    @Option(help: "The folder that everything is kept in. (default: $XDG_DATA_HOME/wasme-hub)")
    var data: String?

    @Option(help: "The address and port to listen on; port 0 takes any that is free.")
    var listen = "127.0.0.1:5000"

    func run() async throws {
        do {
            try await serve()
        } catch {
            Self.note(render(error))
            throw ExitCode(
                (error as? any Diagnostic)?.category.rawValue ?? DiagnosticCategory.failed.rawValue)
        }
    }

    private func serve() async throws {
        // A reader that went away and a file size limit are errors of one request, not the end of the hub.
        for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
        let address = try HubServer.Address(loopback: listen)
        let folder = try DataFolder(try dataFolder(ProcessInfo.processInfo.environment))
        let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
        let metadata = try await MetadataDatabase(folder, now: now)
        let registry = Registry(
            metadata: metadata, blobs: FileBlobStore(folder), uploads: FileUploadStore(folder), now: now)
        try await registry.recover()
        var logger = Logger(label: "wasme-hub", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .warning
        let gatekeeper = Gatekeeper(metadata, policy: .open, now: now)
        let server = HubServer(registry, gatekeeper: gatekeeper, address: address, logger: logger) { address in
            Self.note("note: open to this machine only, without authentication; data in \"\(folder.path)\"")
            Self.write("listening on http://\(address)", to: .standardOutput)
        }
        try await server.group(signals: [.sigterm, .sigint]).run()
        try metadata.close()
    }

    private static func note(_ text: String) { write(text, to: .standardError) }

    /// Writes a line.
    ///
    /// If nobody listens any more, the hub goes on without them.
    private static func write(_ text: String, to file: FileHandle) {
        try? file.write(contentsOf: Data((text + "\n").utf8))
    }

    private func dataFolder(_ environment: [String: String]) throws -> FilePath {
        if let data { return FilePath(URL(filePath: data).standardizedFileURL.path(percentEncoded: false)) }
        // The specification of XDG says that a relative path is to be ignored.
        if let home = environment["XDG_DATA_HOME"], home.hasPrefix("/") {
            return FilePath(home).appending("wasme-hub")
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw HubError(
                .dataFolder, "no data folder: neither XDG_DATA_HOME nor HOME is set",
                hint: "name one with --data", category: .usage)
        }
        return FilePath(home).appending(".local/share/wasme-hub")
    }
}

extension HubServer.Address {
    /// Parses `host:port`, and insists on this machine: without authentication nobody else may come in.
    fileprivate init(loopback text: String) throws {
        let form = "write ADDRESS:PORT, as in --listen 127.0.0.1:5000"
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            colon != text.startIndex
        else {
            throw HubError(
                .listen, "\"\(text)\" is not an address to listen on", hint: form, category: .usage)
        }
        let name = text[..<colon]
        let host: RegistryHost
        do {
            host = try RegistryHost(name)
        } catch {
            throw HubError(
                .listen, "\"\(text)\" is not an address to listen on", cause: error, hint: form,
                category: .usage)
        }
        guard Self.isThisMachine(host.name) else {
            throw HubError(
                .listen,
                "\"\(text)\" can be reached from other machines, and this hub has no authentication yet",
                hint: "listen on 127.0.0.1 or [::1], and let others in through a proxy that authenticates",
                category: .usage)
        }
        let bare = host.name.hasPrefix("[") ? String(host.name.dropFirst().dropLast()) : host.name
        self.init(host: bare, port: Int(port))
    }

    /// Whether a name can mean no other machine, whatever a name server says: `127.example.org` is one of those.
    private static func isThisMachine(_ name: String) -> Bool {
        if name == "localhost" || name == "[::1]" { return true }
        let octets = name.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }
}
