// SPDX-License-Identifier: Apache-2.0

private import EnvoyControl
private import FilterProxy
private import HTTPTypes
private import OCI
package import OCIRegistry

/// Sends requests again as their clients sent them.
package struct Replay: Sendable {
    private let front: FilterFront
    private let transport: any HTTPTransport

    package init(_ front: FilterFront, transport: any HTTPTransport) {
        self.front = front
        self.transport = transport
    }

    /// Seconds without a byte after which an answer is given up.
    private static let patience: Double = 10

    /// Sends a request once more; what comes of it is seen where the first one was.
    /// - Throws: `HTTPTransportError` if there is no answer.
    package func send(_ seen: SeenRequest) async throws {
        var address = front.address
        // What listens on every address is asked at one.
        if address.host == "0.0.0.0" { address = HostPort(host: "127.0.0.1", port: address.port) }
        if address.host == "::" { address = HostPort(host: "::1", port: address.port) }
        guard let method = HTTPRequest.Method(seen.method) else {
            throw HTTPTransportError(.other, "\"\(seen.method)\" is no method")
        }
        var request = HTTPRequest(
            method: method, scheme: "http", authority: address.description, path: seen.path)
        append("host", seen.authority, to: &request)
        var hasLength = false
        for header in seen.clientHeaders {
            if header.name == "content-length" { hasLength = true }
            guard !HeaderKinds.ofConnections.contains(header.name) else { continue }
            append(header.name, header.value, to: &request)
        }
        var options = HTTPTransportOptions()
        options.connectTimeout = Self.patience
        options.stallTimeout = Self.patience
        let body = seen.body.isEmpty && !hasLength ? nil : HTTPBody(seen.body)
        _ = try await transport.send(request, body: body, options: options) { _ in nil }
    }

    private func append(_ name: String, _ value: String, to request: inout HTTPRequest) {
        guard let name = HTTPField.Name(name) else { return }
        request.headerFields.append(HTTPField(name: name, value: value))
    }
}
