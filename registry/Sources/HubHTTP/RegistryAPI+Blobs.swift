// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

extension RegistryAPI {
    /// Bytes read at once; a blob that is no larger is answered in one piece.
    private static let blockSize = 256 << 10

    func blob(_ call: Call, _ repository: Repository, _ digest: Digest) async throws -> Response {
        let conditions = ReadConditions(call.request)
        if conditions.needsNoBytes(digest) {
            let size = try await registry.blob(digest, in: repository).size
            return ContentAnswer(blob: digest, size: size, conditions).response()
        }
        let reader = try await registry.readBlob(digest, in: repository)
        let answer = ContentAnswer(blob: digest, size: reader.size, conditions)
        guard let range = answer.range else { return answer.response() }
        return answer.response(try await Self.body(reader, range))
    }

    static func body(_ reader: any BlobReader, _ range: Range<Int64>) async throws -> ResponseBody {
        let count = Int(range.upperBound - range.lowerBound)
        if count <= blockSize {
            return ResponseBody(byteBuffer: try await bytes(of: reader, range))
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

    /// A part of a blob in memory.
    static func bytes(of reader: any BlobReader, _ range: Range<Int64>) async throws -> ByteBuffer {
        let count = Int(range.upperBound - range.lowerBound)
        var bytes = count == 0 ? ByteBuffer() : try await reader.read(at: range.lowerBound, count: count)
        while bytes.readableBytes < count {
            bytes.writeImmutableBuffer(
                try await next(reader, range.lowerBound + Int64(bytes.readableBytes), range))
        }
        return bytes
    }

    private static func next(
        _ reader: any BlobReader, _ offset: Int64, _ range: Range<Int64>
    ) async throws -> ByteBuffer {
        let bytes = try await reader.read(at: offset, count: min(blockSize, Int(range.upperBound - offset)))
        guard bytes.readableBytes > 0 else { throw HubError(.storageFailed, "a blob is shorter than it was") }
        return bytes
    }
}
