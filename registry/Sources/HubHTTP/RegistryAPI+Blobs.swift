// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

extension RegistryAPI {
    /// Bytes read at once; a blob that is no larger is answered in one piece.
    private static let blockSize = 256 << 10

    func blob(_ call: Call, _ repository: Repository, _ digest: Digest) async throws -> Response {
        let entityTag = "\"\(digest)\""
        var headers: HTTPFields = [
            .contentType: MediaType.octetStream.rawValue, .dockerContentDigest: digest.description,
            .eTag: entityTag, .acceptRanges: "bytes",
            // Whatever was pushed, a browser must not take it for a page of the hub.
            .contentDisposition: "attachment", .contentSecurityPolicy: "default-src 'none'; sandbox",
        ]
        if call.isHead || call.request.hasFresh(digest) {
            let size = try await registry.blob(digest, in: repository).size
            if call.request.hasFresh(digest) { return Response(status: .notModified, headers: headers) }
            headers[.contentLength] = "\(size)"
            return Response(status: .ok, headers: headers)
        }
        let reader = try await registry.readBlob(digest, in: repository)
        var range = 0..<reader.size
        var status = HTTPResponse.Status.ok
        let isCurrent = call.request.headers[.ifRange].map { $0 == entityTag } ?? true
        if isCurrent, let requested = call.request.headers[.range].flatMap({ ByteRange($0) }) {
            guard let resolved = requested.resolve(size: reader.size) else {
                headers[.contentRange] = "bytes */\(reader.size)"
                return Response(status: .rangeNotSatisfiable, headers: headers)
            }
            range = resolved
            status = .partialContent
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(reader.size)"
        }
        return Response(status: status, headers: headers, body: try await Self.body(reader, range))
    }

    static func body(_ reader: any BlobReader, _ range: Range<Int64>) async throws -> ResponseBody {
        let count = Int(range.upperBound - range.lowerBound)
        if count <= blockSize {
            var bytes = count == 0 ? ByteBuffer() : try await reader.read(at: range.lowerBound, count: count)
            while bytes.readableBytes < count {
                bytes.writeImmutableBuffer(
                    try await next(reader, range.lowerBound + Int64(bytes.readableBytes), range))
            }
            return ResponseBody(byteBuffer: bytes)
        }
        return ResponseBody(contentLength: count) { writer in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let bytes = try await next(reader, offset, range)
                offset += Int64(bytes.readableBytes)
                try await writer.write(bytes)
            }
            try await writer.finish(nil)
        }
    }

    private static func next(
        _ reader: any BlobReader, _ offset: Int64, _ range: Range<Int64>
    ) async throws -> ByteBuffer {
        let bytes = try await reader.read(at: offset, count: min(blockSize, Int(range.upperBound - offset)))
        guard bytes.readableBytes > 0 else { throw HubError(.storageFailed, "a blob is shorter than it was") }
        return bytes
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
