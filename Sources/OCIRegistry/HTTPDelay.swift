// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// Reads `Retry-After` (RFC 9110 §10.2.3).
package enum HTTPDelay {
    /// The wait that a response asks for: its seconds, or its date taken from the response's own `Date`, so that
    /// neither side's clock matters.
    ///
    /// `now` is seconds since 1970, for a response without a `Date`; nil takes no date from such a one.
    package static func retryAfter(_ headers: HTTPFields, now: Int64? = nil) -> Duration? {
        guard let value = headers[.retryAfter] else { return nil }
        if let seconds = Int64(value) { return seconds >= 0 && seconds < 1 << 31 ? .seconds(seconds) : nil }
        guard let then = seconds(ofDate: value),
            let now = headers[.date].flatMap({ seconds(ofDate: $0) }) ?? now
        else { return nil }
        return .seconds(max(0, then - now))
    }

    /// Seconds since 1970 of an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
    static func seconds(ofDate text: String) -> Int64? {
        let parts = text.split(whereSeparator: { $0 == " " || $0 == ":" || $0 == "," })
        guard parts.count == 8, parts[7] == "GMT", let day = Int64(parts[1]), let year = Int64(parts[3]),
            let month = months.firstIndex(of: String(parts[2])), let hour = Int64(parts[4]),
            let minute = Int64(parts[5]), let second = Int64(parts[6]), (1...31).contains(day),
            (1970...9999).contains(year), (0...23).contains(hour), (0...59).contains(minute),
            (0...60).contains(second)
        else { return nil }
        // Counts from March, so that the leap day is a year's last.
        let shifted = Int64(month + 10) % 12
        let years = shifted >= 10 ? year - 1 : year
        let dayOfYear = (153 * shifted + 2) / 5 + day - 1
        let days = years * 365 + years / 4 - years / 100 + years / 400 + dayOfYear - 719_468
        return ((days * 24 + hour) * 60 + minute) * 60 + second
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
