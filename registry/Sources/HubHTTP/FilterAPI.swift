// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

/// What the hub knows of filters: their modules for hosts without an OCI client, and what the modules are made of.
struct FilterAPI: Sendable {
    private(set) var registry: Registry

    /// The endpoints as somebody may use them.
    func acting(for principal: Principal) -> FilterAPI {
        var api = self
        api.registry = registry.acting(for: principal)
        return api
    }

    /// An image in a path: whatever stands before the last slash is the repository, `acme/x.wasm` too.
    private struct Name {
        let repository: Repository
        let target: Reference.Target

        init(_ segments: some Collection<String>, suffix: String = "") throws {
            guard segments.count > 1, let last = segments.suffix(1).first, last.hasSuffix(suffix) else {
                throw HubError(
                    .noSuchPath, "the hub has no such path",
                    hint: suffix.isEmpty
                        ? "name a repository and a tag or digest"
                        : "name a repository and a tag or digest, and end with \(suffix)")
            }
            repository = try RegistryRoute.repository(
                segments.dropLast().joined(separator: "/"))
            target = try RegistryRoute.target(String(last.dropLast(suffix.count)))
        }
    }

    // MARK: - Modules

    /// Answers `GET /modules/<repository>/<tag or digest>.wasm` with the module of that image.
    func module(_ request: Request, _ target: RequestTarget) async throws -> Response {
        try Self.allowReading(request)
        let name = try Name(target.segments.dropFirst(), suffix: ".wasm")
        let (module, reader) = try await registry.module(of: name.target, in: name.repository)
        var headers = Self.headers(of: module)
        // What a digest names stays; whether somebody may still have it is asked each time.
        if case .digest = name.target { headers[.cacheControl] = "private, max-age=31536000, immutable" }
        if ReadConditions(request).hasFresh(module.digest) {
            return Response(status: .notModified, headers: headers)
        }
        guard request.method == .get else {
            headers[.contentLength] = "\(reader.size)"
            return Response(status: .ok, headers: headers)
        }
        var range = 0..<reader.size
        var status = HTTPResponse.Status.ok
        let isCurrent = request.headers[.ifRange].map { $0 == headers[.eTag] } ?? true
        if isCurrent, let requested = request.headers[.range].flatMap({ ByteRange($0) }) {
            guard let resolved = requested.resolve(size: reader.size) else {
                headers[.contentRange] = "bytes */\(reader.size)"
                return Response(status: .rangeNotSatisfiable, headers: headers)
            }
            range = resolved
            status = .partialContent
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(reader.size)"
        }
        return Response(status: status, headers: headers, body: try await RegistryAPI.body(reader, range))
    }

    /// The headers of a module's answer.
    static func headers(of module: ModuleRecord) -> HTTPFields {
        [
            .contentType: MediaType.wasm.rawValue, .eTag: "\"\(module.digest)\"", .acceptRanges: "bytes",
            .cacheControl: "private, no-cache",
            // RFC 9530 §3.1: of the whole module, also beside a part of it.
            .reprDigest: "sha-256=:\(base64(hex: module.digest.hex)):", .wasmSHA256: module.digest.hex,
            // Whatever was pushed, a browser must not take it for a page of the hub.
            .contentDisposition: "attachment", .contentSecurityPolicy: "default-src 'none'; sandbox",
        ]
    }

    // MARK: - Facts

    /// Answers `GET /api/v1/facts/<repository>/<tag or digest>` with what is known of that image.
    func facts(_ request: Request, _ target: RequestTarget) async throws -> Response {
        try Self.allowReading(request)
        let name = try Name(target.segments.dropFirst(3))
        let (digest, facts) = try await registry.facts(of: name.target, in: name.repository)
        let rest = try canonicalJSON(FactsBody(name.repository, digest, facts))
        // The document is JSON already, as it was kept.
        let body =
            Array(#"{"digest":"\#(digest)","facts":"#.utf8) + facts.document + Array(",".utf8)
            + rest.dropFirst()
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/json", .cacheControl: "private, no-cache",
                .contentSecurityPolicy: "default-src 'none'; sandbox",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    private static func allowReading(_ request: Request) throws {
        guard request.method == .get || request.method == .head else {
            throw MethodNotAllowed(method: request.method, allowed: [.get, .head])
        }
    }
}

/// What stands beside the facts; its keys are what others rely on.
private struct FactsBody: Encodable {
    struct Module: Encodable {
        let digest: Digest
        let size: Int64
        /// Where it is served; nil if it is not.
        let path: String?
    }

    /// "filter" or "unreadable".
    let kind: String
    let module: Module?
    /// Why it cannot be read.
    let reason: String?
    let repository: String

    init(_ repository: Repository, _ digest: Digest, _ facts: ManifestFacts) {
        kind = facts.kind.rawValue
        module = facts.module.map { module in
            Module(
                digest: module.digest, size: module.size,
                path: module.blob == nil ? nil : "/modules/\(repository)/\(digest).wasm")
        }
        reason = facts.reason
        self.repository = repository.path
    }
}

/// Bytes in base 64 (RFC 4648 §4), as structured fields have them (RFC 8941 §3.3.5).
private func base64(hex: String) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    let digits = hex.utf8.map {
        $0 > UInt8(ascii: "9") ? $0 - UInt8(ascii: "a") + 10 : $0 - UInt8(ascii: "0")
    }
    var text: [UInt8] = []
    // Three bytes are six digits are four characters.
    for start in stride(from: 0, to: digits.count, by: 6) {
        let group = digits[start..<min(start + 6, digits.count)]
        var bits = group.reduce(UInt32(0)) { $0 << 4 | UInt32($1) }
        bits <<= UInt32(4 * (6 - group.count))
        let count = (group.count * 4 + 5) / 6
        for place in 0..<count { text.append(alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)]) }
        text += Array(repeating: UInt8(ascii: "="), count: 4 - count)
    }
    return String(decoding: text, as: UTF8.self)
}
