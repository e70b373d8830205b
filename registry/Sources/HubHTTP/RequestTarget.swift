// SPDX-License-Identifier: Apache-2.0

import Hub

/// The path and the query of a request, each part decoded exactly once.
struct RequestTarget {
    /// What lies between the slashes of the path, after the first one.
    let segments: [String]
    private let query: [(name: String, value: String)]

    /// Parses a request target in origin form (RFC 9112 §3.2.1).
    ///
    /// A part that could change what another layer takes the path for (a dot segment, a slash or backslash in
    /// disguise, a control character) is refused, never cleaned up.
    init(_ target: String) throws(HubError) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = parts.first, path.hasPrefix("/") else { throw .invalidPath }
        var segments: [String] = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let segment = percentDecoded(part), Self.isHarmless(segment) else { throw .invalidPath }
            segments.append(segment)
        }
        self.segments = segments
        var query: [(String, String)] = []
        for item in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(pair[0]),
                let value = percentDecoded(pair.count > 1 ? pair[1] : "")
            else {
                throw HubError(.unsupportedRequest, "the query is not percent-encoded UTF-8")
            }
            query.append((name, value))
        }
        self.query = query
    }

    private static func isHarmless(_ segment: String) -> Bool {
        segment != "." && segment != ".."
            && segment.utf8.allSatisfy {
                $0 > 0x1F && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\")
            }
    }

    /// All values of a parameter.
    func values(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    /// All parameters by name; of one that is given more than once the first.
    var fields: [String: String] { Dictionary(query.map { ($0.name, $0.value) }) { first, _ in first } }

    /// The value of a parameter that may be given once at most.
    func value(_ name: String, orThrow code: HubError.Code) throws(HubError) -> String? {
        let values = values(name)
        guard values.count <= 1 else {
            throw HubError(code, "the parameter \"\(name)\" is given \(values.count) times")
        }
        return values.first
    }

    /// The page that a list was asked for: `n` entries after `last` (distribution-spec 1.1, "Listing Tags").
    func page() throws(HubError) -> (limit: Int?, last: String) {
        let last = try value("last", orThrow: .pageInvalid) ?? ""
        guard let text = try value("n", orThrow: .pageInvalid) else { return (nil, last) }
        guard let number = decimal(text) else {
            throw HubError(.pageInvalid, "the parameter \"n\" is not a number: \"\(text.prefix(40))\"")
        }
        return (Int(clamping: number), last)
    }
}

extension HubError {
    fileprivate static let invalidPath = HubError(
        .nameInvalid, "the path holds a part that no name has",
        hint: "names are lower-case letters and digits, separated by . _ - or /")
}

extension HubError.Code {
    /// A request that is well-formed HTTP but nothing the hub knows how to read.
    static let unsupportedRequest = Self("UNSUPPORTED", kind: "request")
    /// A path that leads nowhere.
    static let noSuchPath = Self("UNSUPPORTED", kind: "path")
}

/// Text with its percent escapes replaced, once; nil if one is incomplete or the result is not UTF-8.
func percentDecoded(_ text: some StringProtocol) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
            return nil
        }
        bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
}

/// Text as a value in a query: whatever is not unreserved (RFC 3986 §2.3) is escaped.
func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            bytes.append(byte)
        default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// A number of plain decimal digits, as headers and queries hold it; as large as fits if it is larger.
func decimal(_ text: some StringProtocol) -> Int64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
        return nil
    }
    return Int64(text) ?? .max
}
