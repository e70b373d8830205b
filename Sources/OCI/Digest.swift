// SPDX-License-Identifier: Apache-2.0

/// A content address, `algorithm:hex` (image-spec 1.1, descriptor.md "Digests").
///
/// Only the registered algorithms are accepted, so a value of this type is safe to build a path from.
package struct Digest: Hashable, Sendable, Comparable {
    /// A registered digest algorithm.
    package enum Algorithm: String, Sendable, CaseIterable {
        case sha256
        case sha512

        /// Number of lower-case hexadecimal characters of the encoded part.
        package var hexLength: Int {
            switch self {
            case .sha256: 64
            case .sha512: 128
            }
        }
    }

    /// The hash function.
    package let algorithm: Algorithm
    /// The encoded part: lower-case hexadecimal, of the algorithm's length.
    package let hex: String

    /// Parses `sha256:<64 hex>` or `sha512:<128 hex>`.
    package init(_ text: some StringProtocol) throws(DigestError) {
        guard let colon = text.firstIndex(of: ":") else { throw .missingAlgorithm(String(text)) }
        guard let algorithm = Algorithm(rawValue: String(text[..<colon])) else {
            throw .unsupportedAlgorithm(String(text[..<colon]))
        }
        try self.init(algorithm: algorithm, hex: text[text.index(after: colon)...])
    }

    /// Puts a digest together from its parts.
    package init(algorithm: Algorithm, hex: some StringProtocol) throws(DigestError) {
        guard hex.utf8.count == algorithm.hexLength else {
            throw .wrongLength(String(hex.prefix(160)), expected: algorithm.hexLength)
        }
        guard hex.utf8.allSatisfy(\.isLowercaseHex) else { throw .notLowercaseHex(String(hex)) }
        self.algorithm = algorithm
        self.hex = String(hex)
    }

    /// For digests that were computed here.
    init(algorithm: Algorithm, bytes: some Collection<UInt8>) {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        self.algorithm = algorithm
        self.hex = String(decoding: text, as: UTF8.self)
    }

    /// The first twelve hexadecimal characters, for people.
    package var short: String { String(hex.prefix(12)) }

    package static func < (left: Digest, right: Digest) -> Bool { left.description < right.description }
}

extension Digest: CustomStringConvertible, LosslessStringConvertible {
    package init?(_ description: String) {
        do { try self.init(description[...]) } catch { return nil }
    }

    package var description: String { "\(algorithm.rawValue):\(hex)" }
}

extension Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            try self.init(text[...])
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Why a text is not a digest.
package enum DigestError: Error, Hashable, CustomStringConvertible {
    case missingAlgorithm(String)
    case unsupportedAlgorithm(String)
    case wrongLength(String, expected: Int)
    case notLowercaseHex(String)

    package var description: String {
        switch self {
        case .missingAlgorithm(let text):
            "digest \"\(text)\" has no algorithm; expected sha256:<64 hexadecimal characters>"
        case .unsupportedAlgorithm(let name):
            "digest algorithm \"\(name)\" is not supported; expected sha256 or sha512"
        case .wrongLength(let hex, let expected):
            "digest value \"\(hex)\" has \(hex.utf8.count) characters, expected \(expected)"
        case .notLowercaseHex(let hex): "digest value \"\(hex)\" is not lower-case hexadecimal"
        }
    }
}

extension UInt8 {
    var isLowercaseHex: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
    }
}
