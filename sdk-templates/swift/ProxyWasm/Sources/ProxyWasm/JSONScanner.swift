// SPDX-License-Identifier: Apache-2.0

/// Reads the smallest parts of a JSON text; where it stops with a problem is where the problem is.
struct JSONScanner {
    private let text: JSONText
    var offset: Int

    init(_ text: JSONText, _ offset: Int) {
        self.text = text
        self.offset = offset
    }

    /// The byte to be read next, or NUL at the end.
    var peek: UInt8 { text[offset] }

    @inline(never)
    mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    @inline(never)
    mutating func skipSpace() {
        while isSpace(peek) { offset += 1 }
    }

    mutating func word(_ word: Bytes) -> JSONProblem {
        let start = offset
        for byte in word where !skip(byte) {
            offset = start
            return .value
        }
        return .none
    }

    // MARK: Numbers

    /// The characters of a number, checked but not converted.
    mutating func number() -> JSONProblem {
        _ = skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")), !digits() { return .digit }
        if skip(UInt8(ascii: ".")), !digits() { return .digit }
        if peek | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            if !digits() { return .digit }
        }
        return .none
    }

    @inline(never)
    private mutating func digits() -> Bool {
        let start = offset
        while decimalDigit(peek) != nil { offset += 1 }
        return offset > start
    }

    // MARK: Strings

    /// Reads a string and appends its text to the buffer, if there is one.
    @inline(never)
    mutating func string(into buffer: Buffer?) -> JSONProblem {
        while true {
            offset += 1
            let byte = peek
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return .none
            case UInt8(ascii: "\\"):
                let problem = escape(into: buffer)
                if problem != .none { return problem }
            case 0..<0x20:
                return offset < text.count ? .character : .endOfString
            default:
                buffer?.append(byte)
            }
        }
    }

    /// Reads an escape sequence but for its last character.
    private mutating func escape(into buffer: Buffer?) -> JSONProblem {
        let start = offset
        offset += 1
        var scalar = UInt32(peek)
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): break
        case UInt8(ascii: "b"): scalar = 0x08
        case UInt8(ascii: "f"): scalar = 0x0C
        case UInt8(ascii: "n"): scalar = 0x0A
        case UInt8(ascii: "r"): scalar = 0x0D
        case UInt8(ascii: "t"): scalar = 0x09
        case UInt8(ascii: "u"):
            guard let unit = codeUnit() else { return .hexadecimalDigit }
            scalar = unit
            if unit & 0xFC00 == 0xD800, text[offset + 1] == UInt8(ascii: "\\"),
                text[offset + 2] == UInt8(ascii: "u")
            {
                offset += 2
                guard let low = codeUnit() else { return .hexadecimalDigit }
                if low & 0xFC00 == 0xDC00 {
                    scalar = 0x10000 + (unit & 0x3FF) << 10 + low & 0x3FF
                }
            }
            if scalar & 0xFFFF_F800 == 0xD800 {
                offset = start
                return .surrogate
            }
        default:
            offset = start
            return .escape
        }
        buffer?.append(scalar: scalar)
        return .none
    }

    /// The four digits behind the "u" of an escape sequence.
    @inline(never)
    private mutating func codeUnit() -> UInt32? {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            offset += 1
            let letter = lowercased(peek) &- UInt8(ascii: "a")
            if let digit = decimalDigit(peek) {
                unit = unit << 4 | UInt32(digit)
            } else if letter < 6 {
                unit = unit << 4 | UInt32(letter + 10)
            } else {
                return nil
            }
        }
        return unit
    }
}

extension Buffer {
    /// Appends the UTF-8 encoding of a scalar value.
    fileprivate func append(scalar: UInt32) {
        var shift: UInt32 = scalar < 0x80 ? 0 : scalar < 0x800 ? 6 : scalar < 0x10000 ? 12 : 18
        // The leading byte has as many ones at its front as there are bytes, if there are several.
        append(UInt8(truncatingIfNeeded: scalar >> shift | (shift == 0 ? 0 : 0xFFFF_FF00 >> (shift / 6 + 1))))
        while shift > 0 {
            shift -= 6
            append(UInt8(truncatingIfNeeded: scalar >> shift & 0x3F | 0x80))
        }
    }
}
