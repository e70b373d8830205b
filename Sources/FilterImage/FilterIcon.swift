// SPDX-License-Identifier: Apache-2.0

/// A picture that stands for a filter in lists.
package struct FilterIcon: Sendable, Hashable {
    /// How it is drawn.
    package enum Kind: String, Sendable, CaseIterable {
        case png
        case svg
    }

    package let kind: Kind
    package let bytes: [UInt8]

    /// Bytes of the largest icon: it goes into every image and is shown small.
    package static let maximumSize = 256 << 10
    /// Pixels of the longest side: more would be made smaller wherever it is shown.
    static let maximumSide = 1024

    /// The file that it is in an image.
    package var fileName: String { "icon.\(kind.rawValue)" }

    /// Takes a picture that is fit to be shown on a page beside others.
    ///
    /// A picture is shown by strangers: an SVG that runs or fetches something is refused.
    package init(_ bytes: [UInt8], named name: String) throws {
        func refused(_ why: String, hint: String? = nil) -> FilterImageError {
            FilterImageError(.unusableIcon, "\"\(name)\" cannot be the icon: \(why)", hint: hint)
        }
        guard bytes.count <= Self.maximumSize else {
            throw refused("it has \(bytes.count) bytes, more than \(Self.maximumSize)")
        }
        if bytes.starts(with: Self.pngSignature) {
            guard let (width, height) = Self.pngSize(bytes) else { throw refused("its PNG header is broken") }
            guard (1...Self.maximumSide).contains(max(width, height)) else {
                throw refused(
                    "it has \(width) × \(height) pixels",
                    hint: "an icon has at most \(Self.maximumSide) pixels on each side")
            }
            kind = .png
        } else if let text = String(validating: bytes, as: UTF8.self), text.contains("<svg") {
            let lower = text.lowercased()
            if let found = Self.activeParts.first(where: lower.contains) {
                throw refused("it has \"\(found)\"", hint: "an icon neither runs nor fetches anything")
            }
            kind = .svg
        } else {
            throw refused("it is neither PNG nor SVG")
        }
        self.bytes = bytes
    }

    /// What somebody else's image carries, shown by nobody here: taken as it is.
    init(kind: Kind, carried bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
    }

    private static let pngSignature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

    /// What makes an SVG more than a picture.
    private static let activeParts = [
        "<script", "<!doctype", "<!entity", "<foreignobject", "<iframe", "<image", "javascript:", " onload",
        " onclick", " onmouse", " onbegin", " onerror", "href=\"http", "href='http", "href=\"//", "href='//",
        "url(http", "@import", "<?xml-stylesheet",
    ]

    /// Width and height, which stand in the first chunk (PNG 3rd edition, 11.2.1 "IHDR").
    private static func pngSize(_ bytes: [UInt8]) -> (Int, Int)? {
        guard bytes.count >= 24, Array(bytes[12..<16]) == Array("IHDR".utf8) else { return nil }
        func number(_ at: Int) -> Int { bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
        return (number(16), number(20))
    }
}
