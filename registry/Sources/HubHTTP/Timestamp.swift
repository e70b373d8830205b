// SPDX-License-Identifier: Apache-2.0

/// A time in seconds since 1970 as RFC 3339 writes it in UTC, as in "2026-08-01T12:00:00Z".
///
/// Lists have many; the library's formatter takes longer than all the rest of a row. The days of a year are counted from
/// March on, so that the day more of a leap year is the last: a hub keeps no times outside of the years 1 to 9999.
func timestamp(_ seconds: Int64) -> String {
    let (day, second) = seconds.quotientAndRemainder(flooredBy: 86_400)
    // From 1 March of the year 0, in the Gregorian calendar's cycles of 400 years.
    let (cycle, dayOfCycle) = (day + 719_468).quotientAndRemainder(flooredBy: 146_097)
    let yearOfCycle = (dayOfCycle - dayOfCycle / 1_460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
    let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    // Of five months from March on, and of the next five, 153 days make one turn of 31, 30, 31, 30, 31.
    let month = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * month + 2) / 5 + 1
    let isNextYear = month >= 10
    let year = yearOfCycle + cycle * 400 + (isNextYear ? 1 : 0)
    var text: [UInt8] = []
    text.reserveCapacity(20)
    func append(_ value: Int64, _ width: Int, _ end: Unicode.Scalar) {
        let digits = Array("\(value)".utf8)
        for _ in digits.count..<max(width, digits.count) { text.append(UInt8(ascii: "0")) }
        text += digits
        text.append(UInt8(ascii: end))
    }
    append(year, 4, "-")
    append(isNextYear ? month - 9 : month + 3, 2, "-")
    append(dayOfMonth, 2, "T")
    append(second / 3_600, 2, ":")
    append(second / 60 % 60, 2, ":")
    append(second % 60, 2, "Z")
    return String(decoding: text, as: UTF8.self)
}

extension Int64 {
    /// The remainder is never negative.
    fileprivate func quotientAndRemainder(flooredBy divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
