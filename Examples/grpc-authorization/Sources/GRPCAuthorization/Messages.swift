// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

// Two messages with nothing but texts need no generator: each field is a tag, a length and the bytes.
// Source: https://protobuf.dev/programming-guides/encoding/

/// The question.
///
/// `message CheckRequest { string method = 1; string path = 2; string token = 3; }`
struct CheckRequest {
    let method: Bytes
    let path: Bytes
    let token: Bytes

    var serialized: Bytes {
        var message = BytesBuilder(capacity: method.count + path.count + token.count + 12)
        CheckRequest.append(1, method, to: &message)
        CheckRequest.append(2, path, to: &message)
        CheckRequest.append(3, token, to: &message)
        return message.finish()
    }

    private static func append(_ field: UInt8, _ text: Bytes, to message: inout BytesBuilder) {
        guard !text.isEmpty else { return }
        // 2 is the wire type of what has a length.
        message.append(field << 3 | 2)
        var length = UInt(text.count)
        while length >= 0x80 {
            message.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        message.append(UInt8(truncatingIfNeeded: length))
        message.append(text)
    }
}

/// The answer.
///
/// `message CheckResponse { string user = 1; }`
struct CheckResponse {
    private(set) var user: Bytes = ""

    /// Reads a message; nil if it is not one.
    ///
    /// Fields that a later version of the service may have are skipped.
    init?(_ message: Bytes) {
        var rest = message[...]
        while !rest.isEmpty {
            guard let tag = CheckResponse.integer(&rest) else { return nil }
            switch tag & 7 {
            case 0:
                guard CheckResponse.integer(&rest) != nil else { return nil }
            case 1:
                guard CheckResponse.take(8, &rest) != nil else { return nil }
            case 2:
                guard let length = CheckResponse.integer(&rest), let bytes = CheckResponse.take(length, &rest)
                else { return nil }
                if tag >> 3 == 1 { user = bytes }
            case 5:
                guard CheckResponse.take(4, &rest) != nil else { return nil }
            default:
                return nil
            }
        }
    }

    private static func integer(_ rest: inout Bytes) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64, let byte = take(1, &rest)?.first {
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    private static func take(_ count: UInt64, _ rest: inout Bytes) -> Bytes? {
        guard count <= UInt64(rest.count) else { return nil }
        let end = rest.startIndex + Int(count)
        let taken = rest[rest.startIndex..<end]
        rest = rest[end..<rest.endIndex]
        return taken
    }
}
