// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import OCIRegistry

/// What came of a request that was sent through an Envoy.
package struct EnvoyAnswer: Hashable, Sendable {
    package let status: Int
    /// Names in lower case, in order.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    package static func == (left: EnvoyAnswer, right: EnvoyAnswer) -> Bool {
        left.status == right.status && left.body == right.body
            && left.headers.elementsEqual(right.headers) { $0 == $1 }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(status)
        hasher.combine(body)
    }

    /// The values of a header, whatever the case of its name.
    package func values(of header: String) -> [String] {
        headers.filter { $0.name == header.lowercased() }.map(\.value)
    }
}

extension EnvoyAdmin {
    /// Sends a request to one of the Envoy's listeners, on a connection of its own.
    /// - Parameters:
    ///   - method: as in `GET`.
    ///   - path: with its query.
    ///   - place: where the listener is.
    ///   - host: the host to ask for; nil for the listener's address.
    /// - Returns: the answer, whatever its status.
    /// - Throws: `EnvoyError` if nothing answers.
    package func ask(
        _ method: String, _ path: String, at place: HostPort, host: String? = nil
    ) async throws -> EnvoyAnswer {
        guard let method = HTTPRequest.Method(method) else {
            throw EnvoyError(.address, "\"\(method)\" is no method of HTTP", hint: "as in GET or POST")
        }
        var options = HTTPTransportOptions()
        options.connectTimeout = patience
        options.stallTimeout = patience
        var request = HTTPRequest(
            method: method, scheme: "http", authority: place.description, path: path)
        request.headerFields[.connection] = "close"
        if let host, let name = HTTPField.Name("Host") { request.headerFields[name] = host }
        do {
            let (response, body) = try await exchange(request, options)
            return EnvoyAnswer(
                status: response.status.code,
                headers: response.headerFields.map { ($0.name.canonicalName, $0.value) }, body: body)
        } catch let error as HTTPTransportError {
            throw EnvoyError(
                .ended, "nothing answers \"\(method.rawValue) \(path)\" at \(place)", cause: error,
                hint: "compare the address with the listeners of Envoy's bootstrap")
        }
    }
}
