// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hub
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle

/// `/healthz`, `/readyz` and `/metrics` on an address of their own, for whoever reaches it.
package struct MonitoringServer: Service {
    private let probes: Probes
    private let address: HubServer.Address
    private let logger: Logger
    private let onListening: @Sendable (HubServer.Address) async -> Void

    /// `onListening` is called once, with the port that was taken.
    package init(
        _ registry: Registry, gatekeeper: Gatekeeper, operation: HubOperation, address: HubServer.Address,
        logger: Logger, onListening: @escaping @Sendable (HubServer.Address) async -> Void
    ) {
        probes = Probes(registry: registry, gatekeeper: gatekeeper, operation: operation)
        self.address = address
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let application = Application(
            responder: Responder(probes: probes, logger: logger),
            server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: nil),
            onServerRunning: { [address, onListening] channel in
                await onListening(
                    HubServer.Address(host: address.host, port: channel.localAddress?.port ?? address.port))
            },
            logger: logger)
        do {
            try await application.run()
        } catch let error as IOError {
            throw HubError(listenOn: address, error)
        }
    }

    private struct Responder: HTTPResponder {
        let probes: Probes
        let logger: Logger

        func respond(to request: Request, context: HubRequestContext) async throws -> Response {
            var response: Response
            do {
                let target = try RequestTarget(request.head.path ?? "")
                guard let answer = try await probes.respond(to: request, target, mayReadMetrics: {}) else {
                    throw HubError(.noSuchPath, "only /healthz, /readyz and /metrics are here")
                }
                response = answer
            } catch {
                response = registryResponse(for: error, to: request, logger: logger)
            }
            response.headers[.xContentTypeOptions] = "nosniff"
            return request.method == .head ? response.createHeadResponse() : response
        }
    }
}
