// SPDX-License-Identifier: Apache-2.0

private import Foundation

/// A key that occurs twice in one object of a JSON text; nil if there is none.
///
/// RFC 8259 §4 leaves open which of the two values counts, so two readers of one manifest may see two images. What
/// everybody must read alike may not hold such a key. The text must be well-formed JSON already.
func duplicateKey(inJSON bytes: [UInt8]) -> String? {
    /// The keys of each object that is open; nil for a list.
    var open: [Set<String>?] = []
    var position = 0
    while position < bytes.count {
        switch bytes[position] {
        case UInt8(ascii: "{"): open.append([])
        case UInt8(ascii: "["): open.append(nil)
        case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
        case UInt8(ascii: "\""):
            let start = position
            position += 1
            while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
                position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
            }
            var next = position + 1
            while next < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[next]) { next += 1 }
            guard next < bytes.count, bytes[next] == UInt8(ascii: ":"), let last = open.indices.last else {
                break
            }
            let key = text(ofJSONString: bytes[start...position])
            if open[last]?.insert(key).inserted == false { return key }
        default: break
        }
        position += 1
    }
    return nil
}

/// The text that a JSON string stands for, its quotes included.
private func text(ofJSONString bytes: ArraySlice<UInt8>) -> String {
    let raw = String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)
    guard bytes.contains(UInt8(ascii: "\\")) else { return raw }
    return (try? JSONDecoder().decode([String].self, from: Data([0x5B] + bytes + [0x5D])))?.first ?? raw
}
