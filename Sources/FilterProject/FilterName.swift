// SPDX-License-Identifier: Apache-2.0

/// The name of a filter, as in `add-header`; safe as a file name, in an image reference and in an object's name.
package struct FilterName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Characters at most.
    package static let maximumLength = 64

    /// Checks a name: lower-case letters, digits and hyphens, a letter first and no hyphen last.
    package init(_ text: String) throws(ProjectError) {
        let isLetter: (Character) -> Bool = { ("a"..."z").contains($0) }
        let reason: String? =
            if text.isEmpty {
                "it is empty"
            } else if text.count > Self.maximumLength {
                "it has \(text.count) characters, at most \(Self.maximumLength) are allowed"
            } else if text.first.map(isLetter) != true {
                "it must begin with a lower-case letter"
            } else if text.last == "-" {
                "it must not end with a hyphen"
            } else if let other = text.first(where: {
                !isLetter($0) && !("0"..."9").contains($0) && $0 != "-"
            }) {
                "it has the character \"\(other)\"; lower-case letters, digits and hyphens are allowed"
            } else {
                nil
            }
        if let reason {
            throw ProjectError(
                .invalidName, "\(quoted(text)) is not a filter name: \(reason)",
                hint: (Self.derived(from: text) ?? Self.derived(from: "filter-\(text)")).map {
                    "\"\($0)\" would do"
                })
        }
        description = text
    }

    /// Makes a name from a folder's: "My Filter" gives `my-filter`; nil if no letter is left.
    package static func derived(from folder: String) -> FilterName? {
        var name = ""
        for character in folder.lowercased().flatMap({ plain[$0].map(Array.init) ?? [$0] }) {
            if ("a"..."z").contains(character) || (("0"..."9").contains(character) && !name.isEmpty) {
                name.append(character)
            } else if !name.isEmpty, name.last != "-" {
                name.append("-")
            }
        }
        name = String(name.prefix(maximumLength))
        while name.last == "-" { name.removeLast() }
        return name.isEmpty ? nil : FilterName(checked: name)
    }

    /// Letters of European languages as people write them without marks.
    private static let plain: [Character: String] = {
        var plain: [Character: String] = [
            "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i",
        ]
        for (letter, marked) in [
            ("a", "àáâãäåāăą"), ("c", "çćĉċč"), ("d", "ď"), ("e", "èéêëēĕėęě"), ("g", "ĝğġģ"), ("h", "ĥħ"),
            ("i", "ìíîïĩīĭį"), ("j", "ĵ"), ("k", "ķ"), ("l", "ĺļľŀ"), ("n", "ñńņňŉ"), ("o", "òóôõöōŏő"),
            ("r", "ŕŗř"), ("s", "śŝşšș"), ("t", "ţťŧț"), ("u", "ùúûüũūŭůűų"), ("w", "ŵ"), ("y", "ýÿŷ"),
            ("z", "źżž"),
        ] {
            for character in marked { plain[character] = letter }
        }
        return plain
    }()

    /// For a text that was made to fit.
    private init(checked text: String) {
        description = text
    }

    /// The name of the Swift module, as in `AddHeader`.
    package var module: String {
        let parts = description.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }
        let module = parts.joined()
        return Self.reserved.contains(module) ? module + "Filter" : module
    }

    /// The root id, as in `add_header`: the name by which a host asks a module for one of its plugins.
    package var rootID: String { description.split(separator: "-").joined(separator: "_") }

    /// Names that a type or module of a filter would hide or clash with.
    private static let reserved: Set<String> = [
        // Swift: words of the language and the standard library's everyday types.
        "Any", "AnyObject", "Self", "Type", "Protocol", "Swift", "Array", "Bool", "Character", "Dictionary",
        "Double", "Error", "Float", "Int", "Never", "Optional", "Result", "Sendable", "Sequence", "Set",
        "String", "Void",
        // Modules that come with the toolchain.
        "Cxx", "Dispatch", "Distributed", "Foundation", "Observation", "RegexBuilder", "Synchronization",
        "Testing",
        "XCTest",
        // The SDK's modules and types.
        "ProxyWasm", "ProxyWasmTesting", "CProxyWasmABI", "Bytes", "ByteSlice", "Counter", "Gauge",
        "Histogram",
        "Host", "HostError", "HeaderField", "HeaderMap", "Headers", "Json", "Log", "Metric", "Plugin",
        "Property", "Registration", "Status", "Text", "Tests",
    ]
}
