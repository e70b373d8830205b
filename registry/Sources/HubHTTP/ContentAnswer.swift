// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

/// What a request says about the content that it asks for.
struct ReadConditions: Hashable, Sendable {
    var isHead = false
    /// The field values as they were sent.
    var ifNoneMatch: String?
    var ifRange: String?
    var range: String?

    init() {}

    init(_ request: Request) {
        isHead = request.method == .head
        ifNoneMatch = request.headers[.ifNoneMatch]
        ifRange = request.headers[.ifRange]
        range = request.headers[.range]
    }

    /// Whether the client says that it has this content already (RFC 9110 §13.1.2).
    func hasFresh(_ digest: Digest) -> Bool {
        guard let ifNoneMatch else { return false }
        return ifNoneMatch == "*"
            || ifNoneMatch.split(separator: ",").contains { tag in
                let tag = tag.filter { !$0.isWhitespace }
                return (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]) == "\"\(digest)\""
            }
    }

    /// Whether the answer for this content needs none of its bytes.
    func needsNoBytes(_ digest: Digest) -> Bool { isHead || hasFresh(digest) }
}

/// The answer to a read of content that is there and may be read: the one place that decides it and names its headers,
/// whichever way the request came.
struct ContentAnswer {
    typealias Field = (name: HTTPField.Name, value: String)

    private(set) var status = HTTPResponse.Status.ok
    /// In the order in which they are sent.
    private(set) var fields: [Field]
    /// The part of the content that is sent; nil for none.
    private(set) var range: Range<Int64>?
    /// The `Content-Length`; nil where there is none (RFC 9110 §15.4.5).
    private(set) var length: Int64?

    /// What the answer says last: below `/v2` clients of old look for the first, browsers everywhere for the second.
    private(set) var closing: [Field] = [
        (.dockerAPIVersion, "registry/2.0"), (.xContentTypeOptions, "nosniff"),
    ]

    /// Whatever was pushed, a browser must not take it for a page of the hub.
    private static let sandbox = "default-src 'none'; sandbox"

    private init(_ fields: [Field]) { self.fields = fields }

    /// Whether the answer for a manifest or a module counts as a pull: it brings bytes, from the first one on.
    ///
    /// One that goes on where another download ended is the same pull.
    var isPull: Bool { range?.lowerBound == 0 }

    /// A blob, or the part of it that was asked for.
    init(blob digest: Digest, size: Int64, _ conditions: ReadConditions) {
        let name = digest.description
        self.init([
            (.contentType, MediaType.octetStream.rawValue), (.dockerContentDigest, name),
            (.eTag, "\"\(name)\""), (.acceptRanges, "bytes"), (.contentDisposition, "attachment"),
            (.contentSecurityPolicy, Self.sandbox),
        ])
        choosePart(of: digest, size, conditions)
    }

    /// The module of an image, or the part of it that was asked for; `isPinned` is whether it was asked for by a digest.
    init(module: ModuleRecord, isPinned: Bool, _ conditions: ReadConditions) {
        self.init([
            (.contentType, MediaType.wasm.rawValue), (.eTag, "\"\(module.digest)\""),
            (.acceptRanges, "bytes"),
            // What a digest names stays; whether somebody may still have it is asked each time.
            (.cacheControl, isPinned ? "private, max-age=31536000, immutable" : "private, no-cache"),
            // RFC 9530 §3.1: of the whole module, also beside a part of it.
            (.reprDigest, "sha-256=:\(base64(hex: module.digest.hex)):"), (.wasmSHA256, module.digest.hex),
            (.contentDisposition, "attachment"), (.contentSecurityPolicy, Self.sandbox),
        ])
        closing = [(.xContentTypeOptions, "nosniff")]
        choosePart(of: module.digest, module.size, conditions)
    }

    /// Decides which bytes are sent of content that can be had in parts (RFC 9110 §14).
    private mutating func choosePart(of digest: Digest, _ size: Int64, _ conditions: ReadConditions) {
        if conditions.hasFresh(digest) {
            status = .notModified
            return
        }
        length = size
        if conditions.isHead { return }
        range = 0..<size
        let isCurrent = conditions.ifRange.map { $0 == "\"\(digest)\"" } ?? true
        guard isCurrent, let requested = conditions.range.flatMap({ ByteRange($0) }) else { return }
        range = requested.resolve(size: size)
        guard let range else {
            status = .rangeNotSatisfiable
            length = 0
            fields.append((.contentRange, "bytes */\(size)"))
            return
        }
        status = .partialContent
        length = range.upperBound - range.lowerBound
        fields.append((.contentRange, "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"))
    }

    /// A manifest.
    init(manifest digest: Digest, _ mediaType: MediaType, size: Int64, _ conditions: ReadConditions) {
        let name = digest.description
        self.init([
            (.contentType, mediaType.rawValue), (.dockerContentDigest, name), (.eTag, "\"\(name)\""),
            (.contentSecurityPolicy, Self.sandbox),
        ])
        if conditions.hasFresh(digest) {
            status = .notModified
            return
        }
        length = size
        if !conditions.isHead { range = 0..<size }
    }

    /// A JSON document of the registry, and where the next page of it is.
    init(json size: Int, link: String? = nil, _ conditions: ReadConditions) {
        self.init([(.contentType, "application/json")])
        length = Int64(size)
        if !conditions.isHead { range = 0..<Int64(size) }
        if let link { trailing = [(.link, link)] }
    }

    /// Fields after the length.
    private(set) var trailing: [Field] = []

    /// The answer as Hummingbird takes it.
    func response(_ body: ResponseBody = ResponseBody()) -> Response {
        var headers = HTTPFields()
        headers.reserveCapacity(fields.count + trailing.count + 4)
        for (name, value) in fields { headers.append(HTTPField(name: name, value: value)) }
        if let length { headers[.contentLength] = "\(length)" }
        for (name, value) in trailing { headers.append(HTTPField(name: name, value: value)) }
        return Response(status: status, headers: headers, body: body)
    }
}

/// One range of a `Range` header (RFC 9110 §14.2).
enum ByteRange: Hashable {
    /// From an offset, up to and with another or the end.
    case from(Int64, through: Int64?)
    /// The last bytes.
    case last(Int64)

    /// Nil for what is malformed or has several ranges: the whole content is a valid answer to both.
    init?(_ header: String) {
        guard header.hasPrefix("bytes=") else { return nil }
        let bounds = header.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard bounds.count == 2 else { return nil }
        switch (decimal(bounds[0]), decimal(bounds[1])) {
        case (let first?, let last?): self = .from(first, through: last)
        case (let first?, nil) where bounds[1].isEmpty: self = .from(first, through: nil)
        case (nil, let count?) where bounds[0].isEmpty: self = .last(count)
        default: return nil
        }
    }

    /// The bytes of content of a size; nil if it has none of them, as of a range that ends before it begins.
    func resolve(size: Int64) -> Range<Int64>? {
        switch self {
        case .from(let first, let last):
            first < size && first <= last ?? .max ? first..<min(last ?? size - 1, size - 1) + 1 : nil
        case .last(let count):
            count > 0 && size > 0 ? max(0, size - count)..<size : nil
        }
    }
}
