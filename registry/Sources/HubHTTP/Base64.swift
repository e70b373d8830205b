// SPDX-License-Identifier: Apache-2.0

/// Bytes in base 64 (RFC 4648 §4), as structured fields have them (RFC 8941 §3.3.5).
func base64(hex: String) -> String {
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
