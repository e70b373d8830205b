// SPDX-License-Identifier: Apache-2.0

/// Where a link of a stranger's text may lead.
enum MarkdownLink {
    private static let schemes: Set<String> = ["http", "https", "mailto"]

    /// The target as the value of an attribute, escaped; nil if it may not be linked to.
    ///
    /// A fragment leads to a heading of the same text, whose identifiers begin with `prefix`.
    static func attribute(_ target: String, prefix: String) -> String? {
        guard !target.isEmpty, target.utf8.count <= 2000,
            !target.unicodeScalars.contains(where: { $0.value <= 0x20 || HTMLText.isDeceptive($0) })
        else { return nil }
        if target.hasPrefix("#") { return "#" + prefix + encoded(target.dropFirst().lowercased()) }
        guard let colon = schemeEnd(target) else { return encoded(target) }
        return schemes.contains(target[..<colon].lowercased()) ? encoded(target) : nil
    }

    /// Whether it leads to another host, as it would in a browser.
    static func isAbsolute(_ target: String) -> Bool {
        let scheme = schemeEnd(target).map { target[..<$0].lowercased() }
        return scheme == "http" || scheme == "https"
    }

    /// Where the scheme ends, if there is one (RFC 3986 §4.2: a colon before any slash, question mark or hash).
    private static func schemeEnd(_ target: String) -> String.Index? {
        let end = target.firstIndex { ":/?#".contains($0) }
        return end.flatMap { target[$0] == ":" ? $0 : nil }
    }

    /// Whatever has no place in a URL is percent-encoded; so nothing is left that could end an attribute.
    private static func encoded(_ target: some StringProtocol) -> String {
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        var text = ""
        for byte in target.utf8 {
            switch byte {
            case UInt8(ascii: "&"): text += "&amp;"
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where "-._~:/?#@!$()*+,;=%".utf8.contains(byte):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text += "%"
                text.unicodeScalars.append(digits[Int(byte >> 4)])
                text.unicodeScalars.append(digits[Int(byte & 15)])
            }
        }
        return text
    }
}
