// SPDX-License-Identifier: Apache-2.0

// Text in terms of bytes: none of this needs Unicode tables, and none of it can trap.

/// ASCII letters in lower case, all other bytes as they are.
func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

/// The offset at which `bytes` stops being valid UTF-8 (RFC 3629 §4), or nil.
func firstInvalidUTF8(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    var index = 0
    while index < bytes.count {
        let lead = bytes[index]
        var continuations: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0x00...0x7F: continuations = 0
        case 0xC2...0xDF: continuations = 1
        case 0xE0: (continuations, second) = (2, 0xA0...0xBF)
        case 0xED: (continuations, second) = (2, 0x80...0x9F)
        case 0xE1...0xEF: continuations = 2
        case 0xF0: (continuations, second) = (3, 0x90...0xBF)
        case 0xF1...0xF3: continuations = 3
        case 0xF4: (continuations, second) = (3, 0x80...0x8F)
        default: return index
        }
        guard index + continuations < bytes.count else { return index }
        var next = index + 1
        while continuations > 0 {
            guard second.contains(bytes[next]) else { return index }
            second = 0x80...0xBF
            next += 1
            continuations -= 1
        }
        index = next
    }
    return nil
}

/// An optional minus sign and decimal digits, or nil if that is not all there is or the value does not fit.
func parseDecimal<Integer: FixedWidthInteger>(_ bytes: UnsafeBufferPointer<UInt8>) -> Integer? {
    let isNegative = bytes.first == UInt8(ascii: "-")
    let digits = isNegative ? bytes.dropFirst() : bytes[...]
    guard !digits.isEmpty else { return nil }
    var value: Integer = 0
    for byte in digits {
        guard let digit = decimalDigit(byte) else { return nil }
        let (shifted, tooLarge) = value.multipliedReportingOverflow(by: 10)
        let next = Integer(truncatingIfNeeded: digit)
        let (sum, overflow) =
            isNegative
            ? shifted.subtractingReportingOverflow(next) : shifted.addingReportingOverflow(next)
        guard !tooLarge, !overflow else { return nil }
        value = sum
    }
    return value
}

/// The value of an ASCII decimal digit.
func decimalDigit(_ byte: UInt8) -> UInt8? {
    let digit = byte &- UInt8(ascii: "0")
    return digit < 10 ? digit : nil
}
