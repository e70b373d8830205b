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
        // As many ones at its front as there are bytes, if there are several.
        let size = (~lead).leadingZeroBitCount
        var next = index + 1
        if size > 0 {
            var scalar = UInt32(lead & (0x7F >> UInt8(truncatingIfNeeded: size)))
            guard size >= 2, size <= 4, size <= bytes.count - index else { return index }
            while next < index + size {
                guard bytes[next] & 0xC0 == 0x80 else { return index }
                scalar = scalar << 6 | UInt32(bytes[next] & 0x3F)
                next += 1
            }
            let smallest: UInt32 = size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000
            guard scalar >= smallest, scalar <= 0x10FFFF, scalar & 0xFFFF_F800 != 0xD800 else { return index }
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
