// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import OCI
private import Synchronization

/// One request to be, with what becomes of its answer.
struct Call: Sendable {
    var method: HTTPRequest.Method
    var location: WebLocation
    var headers: HTTPFields = [:]
    var body: HTTPBody?
    /// The right it needs.
    var scope: Scope?
    /// For messages: what is tried on which thing.
    var action: String
    /// Bytes of a successful answer's body that are kept in memory; one more is an error.
    var limit = 64 << 10
    /// Gives the sink of a successful answer's body, in place of memory.
    var receive: (@Sendable (HTTPResponse) throws -> any ByteSink)?

    init(_ method: HTTPRequest.Method, _ location: WebLocation, scope: Scope? = nil, action: String) {
        self.method = method
        self.location = location
        self.scope = scope
        self.action = action
    }

    /// Bytes of an error's body that are read; a server may send without end.
    private static let errorLimit = 64 << 10

    /// One exchange, without following, answering or repeating anything.
    func send(
        over transport: any HTTPTransport, _ options: RegistryOptions, authorization: String?,
        host: RegistryHost
    ) async throws -> Answer {
        var request = HTTPRequest(
            method: method, scheme: location.scheme.rawValue, authority: location.authority,
            path: location.target, headerFields: headers)
        request.headerFields[.userAgent] = options.userAgent
        if let authorization { request.headerFields[.authorization] = authorization }
        let reception = Reception()
        do {
            let response = try await transport.send(request, body: body, options: options.transport) { head in
                let isSuccess = head.status.kind == .successful
                if isSuccess, let receive { return try receive(head) }
                reception.begin(head, limit: isSuccess ? limit : Self.errorLimit)
                // What says beforehand that it is too much is not read at all.
                let length = head.headerFields[.contentLength].flatMap { Int64($0) } ?? 0
                if isSuccess, method != .head, length > limit { throw Reception.Full() }
                return reception
            }
            return Answer(response: response, body: reception.body, location: location)
        } catch let error as HTTPTransportError {
            throw RegistryError(action, host, error)
        } catch is Reception.Full {
            guard let head = reception.head, head.status.kind != .successful else {
                throw RegistryError.badAnswer(action, "the answer has more than \(limit) bytes")
            }
            return Answer(response: head, body: reception.body, location: location)
        }
    }
}

/// What came back.
struct Answer: Sendable {
    let response: HTTPResponse
    /// The body, unless a sink of the caller's took it; an error's may be cut off.
    let body: [UInt8]
    /// Where it came from, after redirects.
    let location: WebLocation

    var status: Int { response.status.code }

    var isSuccess: Bool { response.status.kind == .successful }

    /// How it wants to be asked (RFC 9110 §11.6.1).
    var challenges: [Challenge] { Challenge.parse(response.headerFields[values: .wwwAuthenticate]) }

    /// Whether its body is a page for people: some proxy's, or a server's that is no registry.
    var isWebPage: Bool {
        let first = body.first { $0 > 0x20 }
        if first == UInt8(ascii: "<") { return true }
        let type = (response.headerFields[.contentType] ?? "").lowercased()
        return first != nil && first != UInt8(ascii: "{") && type.hasPrefix("text/html")
    }

    /// The first value of a header by its lower-case name.
    func header(_ name: String) -> String? { headers(name).first }

    /// All values of a header by its lower-case name.
    func headers(_ name: String) -> [String] {
        response.headerFields.filter { $0.name.canonicalName == name }.map(\.value)
    }
}

/// Keeps an answer's head and the first bytes of its body; filled on the transport's thread.
private final class Reception: ByteSink, Sendable {
    struct Full: Error {}

    private struct State {
        var head: HTTPResponse?
        var body: [UInt8] = []
        var limit = 0
    }

    private let state = Mutex(State())

    var head: HTTPResponse? { state.withLock { $0.head } }
    var body: [UInt8] { state.withLock { $0.body } }

    func begin(_ head: HTTPResponse, limit: Int) {
        state.withLock { $0 = State(head: head, limit: limit) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            let room = state.limit - state.body.count
            state.body.append(contentsOf: bytes.prefix(room))
            if bytes.count > room { throw Full() }
        }
    }
}
