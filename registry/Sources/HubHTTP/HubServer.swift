// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTypes
package import Hub
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
package import ServiceLifecycle
package import UnixSignals

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// The hub on a socket.
package struct HubServer: Service {
    /// Where to listen.
    package struct Address: Hashable, Sendable, CustomStringConvertible {
        /// A host name or an address without brackets.
        package let host: String
        /// 0 for any that is free.
        package let port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    private let registry: Registry
    private let gatekeeper: Gatekeeper
    private let setup: SetupLink?
    private let publicURL: String?
    private let address: Address
    private let certificates: TLSCertificates?
    private let operation: HubOperation
    private let logger: Logger
    private let onListening: @Sendable (Address) async -> Void
    let hotPaths: HotPaths
    /// Whether requests may take the shorter way, which no client can tell from the other one.
    var usesHotPath = true

    /// `setup` is the way in for the first administrator, if there is none;
    /// `publicURL` is where clients find the hub, if they do not find it by the address that they use;
    /// `onListening` is called once, with the port that was taken, when connections are accepted.
    package init(
        _ registry: Registry, gatekeeper: Gatekeeper, setup: SetupLink? = nil, publicURL: String? = nil,
        address: Address, certificates: TLSCertificates? = nil, operation: HubOperation = HubOperation(),
        logger: Logger,
        onListening: @escaping @Sendable (Address) async -> Void
    ) {
        self.registry = registry
        self.gatekeeper = gatekeeper
        self.setup = setup
        self.publicURL = publicURL
        self.address = address
        self.certificates = certificates
        self.operation = operation
        self.logger = logger
        self.onListening = onListening
        // Files go to the socket by the kernel only where nothing encrypts what is sent.
        hotPaths = HotPaths(
            registry, gatekeeper, operation, sendsFiles: certificates == nil, logger: logger)
    }

    /// Serves until the task is told to stop; then ends what is under way.
    package func run() async throws {
        let responder = try HubResponder(
            registry: registry, gatekeeper: gatekeeper, setup: setup, publicURL: publicURL,
            scheme: certificates == nil ? "http" : "https", operation: operation, logger: logger)
        let application = Application(
            responder: responder,
            server: HTTPServerBuilder { [operation, certificates, hotPaths, usesHotPath] responder in
                GuardedChannel(
                    base: HubChannel(
                        responder: responder, hotPaths: usesHotPath ? hotPaths : nil, operation: operation),
                    operation: operation, table: ConnectionTable(operation.limits), certificates: certificates
                )
            },
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: nil),
            onServerRunning: { [address, onListening] channel in
                await onListening(
                    Address(host: address.host, port: channel.localAddress?.port ?? address.port))
            },
            logger: logger)
        do {
            try await withGracefulShutdownHandler {
                try await application.run()
            } onGracefulShutdown: {
                operation.stop()
                logger.notice(
                    "stopping: no more connections are taken",
                    metadata: ["requests": .stringConvertible(operation.metrics.requests.inFlight)])
            }
            logger.notice("stopped")
        } catch let error as IOError {
            throw HubError(listenOn: address, error)
        }
        await hotPaths.close()
    }

    /// A group that serves until one of the signals or `triggerGracefulShutdown()`; requests under way get some time to
    /// end.
    package func group(
        signals: [UnixSignal] = [], beside services: [any Service] = [], grace: Duration = .seconds(10)
    ) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services + [PullRecorder(registry: registry, logger: logger), self],
            gracefulShutdownSignals: signals, logger: logger)
        configuration.maximumGracefulShutdownDuration = grace
        return ServiceGroup(configuration: configuration)
    }
}

extension HubError {
    init(listenOn address: HubServer.Address, _ error: IOError) {
        let hint: String? =
            switch error.errnoCode {
            case EADDRINUSE:
                "choose another port with --listen, as in --listen \(address.host):0 for any that is free"
            case EACCES: "choose a port above 1023 with --listen"
            case EADDRNOTAVAIL: "choose an address of this machine with --listen"
            default: nil
            }
        self.init(
            .listen, "cannot listen on \"\(address)\"",
            cause: SystemError("bind to", "\(address)", errno: error.errnoCode), hint: hint)
    }
}
