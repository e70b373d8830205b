// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
private import Foundation
import OCI

/// What a command found out or did: one value, shown as text for people or as JSON for programs.
package protocol CommandResult: Encodable {
    /// The result for people; no line break at the end.
    var text: String { get }
    /// What `--quiet` prints.
    var brief: String { get }
}

/// How the result is printed.
package enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case text
    case json
}

/// The options that every command has.
package struct OutputOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How to print the result.", valueName: "text|json"))
    package var format: OutputFormat = .text

    @Flag(name: .shortAndLong, help: "Print the digest or name only, and no progress.")
    package var quiet = false

    package init() {}

    /// Prints a result in the chosen form.
    func print(_ result: some CommandResult, in context: CommandContext) throws {
        if format == .json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            context.terminal.writeOutput(String(decoding: try encoder.encode(result), as: UTF8.self) + "\n")
        } else {
            let text = quiet ? result.brief : result.text
            if !text.isEmpty { context.terminal.writeOutput(text + "\n") }
        }
    }

    /// Writes a line for people, unless they asked for quiet.
    func note(_ line: String, in context: CommandContext) {
        if !quiet { context.terminal.note(line) }
    }
}

/// An image that a command made, moved or named.
struct ImageResult: CommandResult {
    /// What was done, as in `built`.
    let action: String
    let references: [String]
    let digest: Digest

    enum CodingKeys: CodingKey {
        case references
        case digest
    }

    var text: String {
        (references.map { "\(action) \($0)" } + [digest.description]).joined(separator: "\n")
    }
    var brief: String { digest.description }
}

/// Images that a command moved.
struct ImagesResult: CommandResult {
    struct Image: Encodable {
        /// Its names there; none if it is known by its digest alone.
        let references: [String]
        let digest: Digest
    }

    /// What was done, as in `pushed`.
    private let action: String
    let images: [Image]

    init(_ action: String, _ images: [Image]) {
        self.action = action
        self.images = images
    }

    enum CodingKeys: CodingKey { case images }

    var text: String {
        images.flatMap { image in
            (image.references.isEmpty
                ? ["\(action) an image without a name"] : image.references.map { "\(action) \($0)" })
                + [image.digest.description]
        }.joined(separator: "\n")
    }
    var brief: String { images.map(\.digest.description).joined(separator: "\n") }
}

/// Lines up columns under their headings, two spaces apart.
func table(_ headings: [String], _ rows: [[String]]) -> String {
    let all = [headings] + rows
    let widths = headings.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
        let line = zip(row, widths).map { pad($0, $1) }.joined(separator: "  ")
        return String(line.reversed().drop { $0 == " " }.reversed())
    }
    .joined(separator: "\n")
}

/// A text made as wide as its column.
func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(width - text.count, 0))
}

/// A number of bytes for people.
func byteCount(_ bytes: Int64) -> String {
    let unit = ByteUnit(for: bytes)
    return "\(unit.digits(bytes)) \(unit.name)"
}

/// How many bytes of how many, in one unit.
func byteCount(_ part: Int64, of whole: Int64) -> String {
    let unit = ByteUnit(for: whole)
    return "\(unit.digits(part))/\(unit.digits(whole)) \(unit.name)"
}

/// The unit that a number of bytes is told in.
private struct ByteUnit {
    let name: String
    private let bytes: Double

    init(for count: Int64) {
        let units = ["B", "KB", "MB", "GB", "TB"]
        var index = 0
        var bytes = 1.0
        while Double(count) / bytes >= 1000, index < units.count - 1 {
            bytes *= 1000
            index += 1
        }
        name = units[index]
        self.bytes = bytes
    }

    func digits(_ count: Int64) -> String {
        let value = Double(count) / bytes
        return bytes == 1 ? "\(count)" : String(format: value < 10 ? "%.2f" : "%.1f", value)
    }
}
