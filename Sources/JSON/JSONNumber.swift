// SPDX-License-Identifier: Apache-2.0

/// A JSON number as an exact decimal.
///
/// A `Double` would turn 9007199254740993 into another number and make 0.3 no multiple of 0.1.
package struct JSONNumber: Sendable, CustomStringConvertible {
    /// The number as it was written.
    package let description: String
    private let isNegative: Bool
    /// Decimal digits 0...9, most significant first, without zeros at either end; none for zero.
    private let digits: [UInt8]
    /// The power of ten that the digits, read as an integer, are multiplied by.
    private let exponent: Int

    /// What is kept of a number at most: beyond a `Double`'s range no host could use it (RFC 8259, section 6).
    static let maximumDigits = 800
    static let maximumMagnitude = 400

    /// Builds an integer.
    package init(_ value: Int) {
        let text = String(value)
        self.init(
            written: text, whole: Array(text.utf8.drop { $0 == UInt8(ascii: "-") }), fraction: [], power: 0)
    }

    /// Reads a number of JSON's grammar (RFC 8259, section 6).
    ///
    /// Nil for a text that is not one, and for numbers out of all proportion.
    package init?(_ text: some StringProtocol) {
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let whole = rest.prefix(while: \.isDigit)
        rest = rest.dropFirst(whole.count)
        guard !whole.isEmpty, whole.count == 1 || whole.first != UInt8(ascii: "0") else { return nil }
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: \.isDigit)
            guard !fraction.isEmpty else { return nil }
            rest = rest.dropFirst(1 + fraction.count)
        }
        var power = 0
        if let mark = rest.first, mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
            let sign = rest.dropFirst().first
            let isSigned = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
            let exponent = rest.dropFirst(isSigned ? 2 : 1)
            guard exponent.count < 8, let value = Int(String(decoding: exponent, as: UTF8.self)),
                exponent.allSatisfy(\.isDigit)
            else { return nil }
            power = sign == UInt8(ascii: "-") ? -value : value
            rest = []
        }
        guard rest.isEmpty, whole.count + fraction.count <= Self.maximumDigits else { return nil }
        self.init(written: String(text), whole: Array(whole), fraction: Array(fraction), power: power)
        guard digits.isEmpty || abs(digits.count + exponent) <= Self.maximumMagnitude else { return nil }
    }

    private init(written: String, whole: [UInt8], fraction: [UInt8], power: Int) {
        var digits = (whole + fraction).drop { $0 == UInt8(ascii: "0") }
        var exponent = power - fraction.count
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        description = written
        self.digits = digits.map { $0 - UInt8(ascii: "0") }
        self.exponent = digits.isEmpty ? 0 : exponent
        isNegative = !digits.isEmpty && written.hasPrefix("-")
    }

    /// Whether there is nothing behind the decimal point; 1.0 is an integer (JSON Schema validation, 6.1.1).
    package var isInteger: Bool { exponent >= 0 }

    package var isZero: Bool { digits.isEmpty }

    /// The value, if it is an integer that fits.
    package var int: Int? {
        guard isInteger, digits.count + exponent <= 19 else { return nil }
        let text = digits.map(String.init).joined() + String(repeating: "0", count: exponent)
        return Int((isNegative ? "-" : "") + (text.isEmpty ? "0" : text))
    }

    /// Whether this is an integer number of times another one.
    package func isMultiple(of other: JSONNumber) -> Bool {
        guard !other.isZero else { return false }
        let shift = min(exponent, other.exponent)
        let dividend = digits + [UInt8](repeating: 0, count: exponent - shift)
        let divisor = other.digits + [UInt8](repeating: 0, count: other.exponent - shift)
        // Division as on paper; only the remainder is of interest.
        var remainder: [UInt8] = []
        for digit in dividend {
            if !remainder.isEmpty || digit != 0 { remainder.append(digit) }
            while !Self.magnitude(remainder, isLessThan: divisor) { Self.subtract(divisor, from: &remainder) }
        }
        return remainder.isEmpty
    }

    /// Compares two numbers without zeros in front.
    private static func magnitude(_ left: [UInt8], isLessThan right: [UInt8]) -> Bool {
        left.count == right.count ? left.lexicographicallyPrecedes(right) : left.count < right.count
    }

    /// Subtracts a number that is not the larger one.
    private static func subtract(_ small: [UInt8], from large: inout [UInt8]) {
        var borrow: Int8 = 0
        for place in 0..<large.count {
            let index = large.count - 1 - place
            let taken = place < small.count ? Int8(small[small.count - 1 - place]) : 0
            let difference = Int8(large[index]) - taken - borrow
            borrow = difference < 0 ? 1 : 0
            large[index] = UInt8(difference + borrow * 10)
        }
        large = Array(large.drop { $0 == 0 })
    }
}

extension JSONNumber: Hashable, Comparable {
    package static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        left.isNegative == right.isNegative && left.exponent == right.exponent && left.digits == right.digits
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(isNegative)
        hasher.combine(digits)
        hasher.combine(exponent)
    }

    package static func < (left: JSONNumber, right: JSONNumber) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative
            ? right.isSmallerInMagnitude(than: left) : left.isSmallerInMagnitude(than: right)
    }

    private func isSmallerInMagnitude(than other: JSONNumber) -> Bool {
        if isZero || other.isZero { return isZero && !other.isZero }
        let place = digits.count + exponent
        let otherPlace = other.digits.count + other.exponent
        return place == otherPlace ? digits.lexicographicallyPrecedes(other.digits) : place < otherPlace
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
