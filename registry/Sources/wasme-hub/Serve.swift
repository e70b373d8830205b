// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CurlTransport
import Diagnostics
private import Foundation
import Hub
import HubHTTP
import HubOutbound
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
            Needs no configuration: without options it keeps its data in the user's data folder, listens on this \
            machine only and is open to whoever works on it. As soon as it has users ('wasme-hub user add') it asks \
            for a log-in, and on an address that others can reach it starts only then, or with --require-login, \
            which prints a link that adds the first user. When it is ready it prints one line, "listening on http://ADDRESS:PORT" (or \
            https, with a certificate: see tls.certificate in 'wasme-hub config --print-defaults').

            SIGTERM and SIGINT let requests under way end, SIGUSR1 collects what nobody needs, SIGHUP reads a \
            certificate again.

            EXAMPLES
              wasme-hub serve
              wasme-hub serve --data /srv/hub --listen 127.0.0.1:5050
              wasme-hub serve --listen 127.0.0.1:0
              wasme-hub serve --listen 0.0.0.0:5000 --require-login --public-url https://hub.example.com
            """)

    @OptionGroup var data: DataOption

    @Option(help: "A YAML file with settings; see 'wasme-hub config --help'.")
    var config: String?

    @Option(
        help: "The address and port to listen on; port 0 takes any that is free. (default: 127.0.0.1:5000)")
    var listen: String?

    @Option(
        help:
            "Where clients find the hub, as in https://hub.example.com. (default: the address that they use)")
    var publicURL: String?

    @Flag(help: "Let nobody in without a log-in, except to public repositories.")
    var requireLogin = false

    @Flag(help: "Let everybody who reaches the hub read, push and delete.")
    var allowAnonymousPush = false

    @Flag(help: "Ask for a log-in even to read public repositories.")
    var noAnonymousPull = false

    func run() async throws {
        try await Output.reporting { try await serve() }
    }

    /// The settings of the file and the environment, and what the command line says instead.
    private func settings() throws -> HubConfiguration {
        var settings = try HubConfiguration(file: config)
        if let listen {
            settings.listen = listen
            settings.note("listen", listen)
        }
        if let publicURL {
            settings.publicURL = try ServeRules.publicURL(publicURL)
            settings.note("public-url", publicURL)
        }
        if requireLogin {
            settings.rules.requiresLogIn = true
            settings.note("access.require-login", "true")
        }
        if allowAnonymousPush {
            settings.rules.allowsAnonymousPush = true
            settings.note("access.anonymous-push", "true")
        }
        if noAnonymousPull {
            settings.rules.allowsAnonymousPull = false
            settings.note("access.anonymous-pull", "false")
        }
        return settings
    }

    private func serve() async throws {
        // A reader that went away and a file size limit are errors of one request, not the end of the hub.
        for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
        let settings = try settings()
        let address = try HubServer.Address(settings.listen)
        let publicURL = settings.publicURL
        let certificates = try settings.certificates()
        let scheme = certificates == nil ? "http" : "https"
        // Before anything is written: whether the address will do depends on users that a folder without them lacks.
        let path = try settings.data.flatMap { data.data == nil ? DataOption.path($0) : nil } ?? data.folder()
        let hasUsers = try await HubFolder.hasUsers(path)
        let (rules, note) = try settings.rules.policy(on: address, hasUsers: hasUsers)
        var policy = rules
        policy.publicPatterns = settings.mirrors.flatMap(\.publicPatterns)
        let now = OpenHub.now
        let logger = Logger(label: "wasme-hub") { _ in LineLogHandler(settings.log) }
        let transport = CurlTransport()
        let (registry, metadata) = try await OpenHub.open(
            path, limits: settings.limits, policy: policy,
            mirrors: try settings.mirrors(transport, logger: logger))
        let gatekeeper = Gatekeeper(metadata, policy: policy, now: now)
        let files = OpenFiles.raised(processors: ProcessInfo.processInfo.activeProcessorCount)
        let limits = files.fit(settings.connections)
        if limits != settings.connections {
            logger.notice(
                "fewer connections than configured: the system allows too few open files (ulimit -n)",
                metadata: [
                    "files": .stringConvertible(files.limit),
                    "connections": .stringConvertible(limits.connections),
                    "requests": .stringConvertible(limits.requests),
                ])
        }
        let setup = !policy.isOpen && !hasUsers ? SetupLink() : nil
        let operation = HubOperation(
            requestLog: settings.requestLog, servesMetrics: settings.metrics.listen == nil,
            limits: limits, proxies: settings.proxies,
            showsForeignPictures: settings.showsForeignPictures, settings: settings.inEffect,
            webhookRules: settings.receivers)
        let server = HubServer(
            registry, gatekeeper: gatekeeper, setup: setup, publicURL: publicURL, address: address,
            certificates: certificates, operation: operation, logger: logger
        ) { address in
            Output.note("note: \(note); data in \"\(path)\"")
            if let setup {
                Output.note(
                    "note: add the first administrator at \(publicURL ?? "\(scheme)://\(address)")/setup?token=\(setup.token)"
                )
            }
            Output.result("listening on \(scheme)://\(address)")
        }
        let collector = Collector(
            registry: registry.acting(for: .host), metrics: operation.metrics, logger: logger)
        let monitoring = try settings.metrics.listen.map { text in
            MonitoringServer(
                registry, gatekeeper: gatekeeper, operation: operation,
                address: try HubServer.Address(text), logger: logger
            ) { Output.note("note: metrics on http://\($0)/metrics") }
        }
        let courier = try await WebhookCourier(
            settings, rules: settings.receivers, publicURL: publicURL, metadata: metadata,
            transport: transport,
            logger: logger)
        let copier = SyncService(
            registry: registry.acting(for: .host), metadata: metadata, settings: settings.sync,
            transport: transport, logger: logger)
        let indexing = Indexing(registry: registry, logger: logger)
        let rest = MemoryAtRest(metadata: metadata, metrics: operation.metrics)
        let services: [any Service] =
            [collector, courier, copier, indexing, rest] + (monitoring.map { [$0] } ?? [])
            + (certificates.map {
                [CertificateReloader(certificates: $0, metrics: operation.metrics, logger: logger)]
            } ?? [])
        let group = server.group(
            signals: [.sigterm, .sigint], beside: services, grace: .seconds(settings.shutdownGrace))
        try await group.run()
        try metadata.close()
    }
}
