// SPDX-License-Identifier: Apache-2.0

/// The value of a number that follows the JSON grammar: `digits` times ten to the power of `exponent`.
struct JSONNumber {
    private var isNegative = false
    private var digits: [UInt8] = []
    private var exponent = 0

    init(_ literal: Bytes) {
        var fractionDigits = 0
        var isFraction = false
        var index = 0
        while index < literal.count {
            let byte = literal[index]
            index += 1
            if byte == UInt8(ascii: "-") {
                isNegative = true
            } else if byte == UInt8(ascii: ".") {
                isFraction = true
            } else if let digit = decimalDigit(byte) {
                if digit != 0 || !digits.isEmpty { digits.append(digit) }
                if isFraction { fractionDigits += 1 }
            } else {
                break
            }
        }
        exponent = Self.exponent(literal.dropFirst(index)) - fractionDigits
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
    }

    /// Exponents beyond a million are as good as a million.
    private static func exponent(_ literal: Bytes) -> Int {
        var value = 0
        for byte in literal {
            if let digit = decimalDigit(byte) {
                value = min(value * 10 + Int(digit), 1_000_000)
            }
        }
        return literal.first == UInt8(ascii: "-") ? -value : value
    }

    /// The value, if it has no fraction and fits.
    var integer: Int64? {
        if digits.isEmpty { return 0 }
        guard exponent >= 0, digits.count + exponent <= 19 else { return nil }
        var value: Int64 = 0
        for digit in digits + Array(repeating: 0, count: exponent) {
            let (shifted, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = shifted.subtractingReportingOverflow(Int64(digit))
            guard !tooLarge, !overflow else { return nil }
            value = sum
        }
        // Collected as a negative number, as there is one more of those.
        if isNegative { return value }
        return value == Int64.min ? nil : -value
    }

    /// The nearest double (ties to even), or nil if the value is too large for one.
    ///
    /// Exact, by halving or doubling the decimal digits until their integer part is the significand; a configuration
    /// has few numbers, so that this is short matters more than that it is fast.
    var double: Double? {
        guard digits.count + exponent <= 310 else { return nil }
        guard !digits.isEmpty, digits.count + exponent >= -330 else { return isNegative ? -0.0 : 0.0 }
        var decimal = Decimal(digits: digits, point: digits.count + exponent)
        var power = 0
        while decimal.integerPart >= 1 << 53 {
            decimal.halve()
            power += 1
        }
        while decimal.integerPart < 1 << 52, power > -1074 {
            decimal.double()
            power -= 1
        }
        let significand = Double(decimal.rounded)
        let value = Double(sign: isNegative ? .minus : .plus, exponent: power, significand: significand)
        return value.isFinite ? value : nil
    }
}

/// The number 0.d₁d₂d₃… times ten to the power of `point`.
private struct Decimal {
    /// More than any double has (767); what lies beyond only decides ties.
    private static let mostDigits = 800

    private var digits: [UInt8]
    private var point: Int

    init(digits: [UInt8], point: Int) {
        self.digits = digits.count <= Self.mostDigits ? digits : digits.prefix(Self.mostDigits) + [1]
        self.point = point
    }

    /// The digits before the point, or the largest value if there are too many.
    var integerPart: UInt64 {
        guard point <= 18 else { return .max }
        var value: UInt64 = 0
        for index in 0..<max(point, 0) {
            value = value * 10 + (index < digits.count ? UInt64(digits[index]) : 0)
        }
        return value
    }

    /// The nearest integer, ties to even.
    var rounded: UInt64 {
        let integer = integerPart
        guard point >= 0, point < digits.count, digits[point] >= 5 else { return integer }
        let isTie = digits[point] == 5 && digits[(point + 1)...].allSatisfy { $0 == 0 }
        return isTie && integer % 2 == 0 ? integer : integer + 1
    }

    mutating func halve() {
        var carry: UInt8 = 0
        for index in digits.indices {
            let value = carry * 10 + digits[index]
            digits[index] = value / 2
            carry = value % 2
        }
        if carry != 0 { digits.append(5) }
        if digits.first == 0 {
            digits.removeFirst()
            point -= 1
        }
    }

    mutating func double() {
        var carry: UInt8 = 0
        for index in digits.indices.reversed() {
            let value = digits[index] * 2 + carry
            digits[index] = value % 10
            carry = value / 10
        }
        if carry != 0 {
            digits.insert(carry, at: 0)
            point += 1
        }
        while digits.last == 0 {
            digits.removeLast()
        }
    }
}
