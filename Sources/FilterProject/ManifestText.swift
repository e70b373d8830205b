// SPDX-License-Identifier: Apache-2.0

private import JSON
import YAML

/// Writes into the text of a `wasme.yaml` while leaving the rest of it, comments too, as somebody wrote it.
enum ManifestText {
    /// A text as a YAML value: as it is where that reads the same, else in quotes.
    static func scalar(_ text: String) -> String { plainOrQuoted(text, in: "value: \(text)", .string(text)) }

    /// A text as an element of a list in brackets.
    static func element(_ text: String) -> String {
        plainOrQuoted(text, in: "value: [\(text)]", .array([.string(text)]))
    }

    private static func plainOrQuoted(_ text: String, in line: String, _ wanted: JSONValue) -> String {
        do {
            let node = try YAMLNode(parsing: line, file: "")
            if node.json == .object(["value": wanted]) { return text }
        } catch {
            // Not readable without quotes.
        }
        // JSON's quotes are among those of YAML.
        return JSONValue.quoted(text)
    }

    /// Replaces a key of the outermost mapping with all that belongs to it; adds it at the end if it is not there.
    static func setting(_ key: String, to value: String, in yaml: String) -> String {
        var lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
        let line = Substring("\(key): \(value)")
        guard let first = lines.firstIndex(where: { $0.hasPrefix("\(key):") }) else {
            while lines.last?.isEmpty == true { lines.removeLast() }
            return (lines + [line, ""]).joined(separator: "\n")
        }
        var end = first + 1
        // A list may stand as far left as its key.
        while end < lines.count,
            lines[end].hasPrefix(" ") || lines[end].hasPrefix("\t") || lines[end] == "-"
                || lines[end].hasPrefix("- ")
        {
            end += 1
        }
        lines.replaceSubrange(first..<end, with: [line])
        return lines.joined(separator: "\n")
    }
}
