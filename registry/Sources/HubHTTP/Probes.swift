// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird

/// `/healthz`, `/readyz` and `/metrics`: for those who run the hub.
struct Probes: Sendable {
    let registry: Registry
    let gatekeeper: Gatekeeper
    let operation: HubOperation

    /// Answers a request for one of them; nil if it is for something else.
    ///
    /// `mayReadMetrics` throws for whoever may not read metrics.
    func respond(
        to request: Request, _ target: RequestTarget, mayReadMetrics: () async throws -> Void
    ) async throws -> Response? {
        guard target.segments.count == 1, let name = target.segments.first,
            ["healthz", "readyz", "metrics"].contains(name)
        else { return nil }
        guard request.method == .get || request.method == .head else {
            throw MethodNotAllowed(method: request.method, allowed: [.get, .head])
        }
        var response: Response
        switch name {
        // That an answer comes at all is what it says.
        case "healthz": response = try jsonResponse(["status": "ok"])
        case "readyz": response = try await readiness()
        default:
            try await mayReadMetrics()
            let text = try await operation.metrics.text(registry.acting(for: .host), gatekeeper)
            response = Response(
                status: .ok, headers: [.contentType: PrometheusText.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
        response.headers[.cacheControl] = "no-store"
        return response
    }

    private struct Readiness: Encodable {
        let status: String
        /// What keeps the hub from its work, by the part that does.
        let reasons: [String: String]
    }

    private func readiness() async throws -> Response {
        let reasons =
            operation.isStopping
            ? ["server": "it is about to stop"] : await registry.acting(for: .host).troubles()
        return try jsonResponse(
            Readiness(status: reasons.isEmpty ? "ready" : "not ready", reasons: reasons),
            status: reasons.isEmpty ? .ok : .serviceUnavailable)
    }
}
