// SPDX-License-Identifier: Apache-2.0

import NIOCore

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// The time for the `Date` header (RFC 9110 §5.6.7), written once a second; for one thread.
struct HTTPDate {
    private var second: Int64 = 0
    private var text = ByteBuffer()

    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The present time, as in `Sun, 06 Nov 1994 08:49:37 GMT`.
    mutating func now() -> ByteBuffer {
        let now = Int64(time(nil))
        if now != second {
            second = now
            text = ByteBuffer(string: Self.text(now))
        }
        return text
    }

    /// A time since 1970, in seconds.
    static func text(_ seconds: Int64) -> String {
        var seconds = time_t(seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) "
            + "\(parts.tm_year + 1900) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
