// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// The table of `Examples/README.md`, whose last column has the size of each module.
enum SizeTable {
    struct Row {
        let name: String
        /// In KB of 1000 bytes.
        let size: Double?
        let text: Substring
    }

    private static let file = Examples.root.appending("README.md")

    static func rows() throws -> [Row] {
        let text = try String(contentsOfFile: file.string, encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            // | [`name`](name) | what it shows | 12.3 KB |
            guard line.hasPrefix("| [`"), let name = line.split(separator: "`").dropFirst().first else {
                return nil
            }
            let size = line.split(separator: "|").last.flatMap { $0.split(separator: " ").first }
            return Row(name: String(name), size: size.flatMap { Double($0) }, text: line)
        }
    }

    /// Holds a size against the table, which may be some percent off; `WASME_RECORD=1` writes it there.
    static func check(_ name: String, _ bytes: Int) throws {
        let size = Double(bytes) / 1000
        let row = try #require(
            try rows().first { $0.name == name }, "Examples/README.md has no row for \(name)")
        if ProcessInfo.processInfo.environment["WASME_RECORD"] == "1" {
            let cells = row.text.split(separator: "|").dropLast().joined(separator: "|")
            let text = try String(contentsOfFile: file.string, encoding: .utf8).replacingOccurrences(
                of: row.text, with: "|\(cells)| \(String(format: "%.1f", size)) KB |")
            try Files.replace(file, with: Array(text.utf8))
        } else {
            let recorded = try #require(row.size, "Examples/README.md has no size for \(name): record it")
            #expect(
                abs(size - recorded) <= recorded * 0.1,
                "the module of \(name) has \(size) KB, and Examples/README.md says \(recorded); record it with WASME_RECORD=1"
            )
        }
    }
}
