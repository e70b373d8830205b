// SPDX-License-Identifier: Apache-2.0

/// A text whose section in a template is left out if there is none: to the templates an empty text is one too.
func shownText(_ text: String?) -> Any { text.flatMap { $0.isEmpty ? nil : $0 } ?? false }

/// A number of bytes as people read it, as in "1.5 MB".
func byteCount(_ bytes: Int64) -> String {
    let units = ["kB", "MB", "GB", "TB"]
    guard bytes >= 1000 else { return "\(bytes) B" }
    var value = Double(bytes) / 1000
    var unit = 0
    while value >= 999.95, unit < units.count - 1 {
        value /= 1000
        unit += 1
    }
    let tenths = Int64((value * 10).rounded())
    return (tenths >= 100 || tenths % 10 == 0 ? "\(Int64(value.rounded()))" : "\(tenths / 10).\(tenths % 10)")
        + " \(units[unit])"
}

/// How long ago something was, as people say it.
func age(seconds: Int64) -> String {
    let steps: [(Int64, String)] = [
        (365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"),
    ]
    for (length, name) in steps where seconds >= length {
        let count = seconds / length
        return "\(count) \(name)\(count == 1 ? "" : "s") ago"
    }
    return "just now"
}

/// The hub's words for programs, as a sentence for people.
func sentence(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst() + (text.hasSuffix(".") ? "" : ".")
}
