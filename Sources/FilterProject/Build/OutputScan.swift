// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// Reads along with a toolchain's output: its errors, and signs of known traps.
package struct OutputScan: Sendable {
    private let traps: [BuildTrap]
    /// The beginnings of paths that lead into the project.
    private let roots: [String]
    private var line: [UInt8] = []
    private var reader = ToolchainErrorReader()
    private var seen: Set<ToolchainError> = []
    /// The first errors, each once.
    package private(set) var errors: [ToolchainError] = []
    /// How many there were.
    package private(set) var errorCount = 0
    /// The traps that showed, in the order in which they did.
    package private(set) var shown: [BuildTrap] = []

    private static let maximumErrors = 20
    /// A longer line is not one that a compiler writes for people.
    private static let maximumLine = 16 << 10

    package init(traps: [BuildTrap] = [], root: FilePath) {
        self.traps = traps
        let real = realPath(root)
        roots = Set(["\(root)/", "\(real)/"]).sorted { $0.count > $1.count } + ["./"]
    }

    /// Takes what came next.
    package mutating func take(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            if byte == 0x0a || byte == 0x0d {
                endLine()
            } else if line.count < Self.maximumLine {
                line.append(byte)
            }
        }
    }

    /// Takes the end of the output.
    package mutating func finish() {
        endLine()
        for error in reader.flush() { add(error) }
    }

    private mutating func endLine() {
        guard !line.isEmpty else { return }
        let text = withoutColours(line)
        line.removeAll(keepingCapacity: true)
        for trap in traps where trap.shows(inOutput: text) && !shown.contains(where: { $0.name == trap.name })
        {
            shown.append(trap)
        }
        for error in reader.take(text[...]) { add(error) }
    }

    private mutating func add(_ error: ToolchainError) {
        let file = error.file.map { file in
            roots.first { file.hasPrefix($0) }.map { String(file.dropFirst($0.count)) } ?? file
        }
        let error = ToolchainError(file: file, line: error.line, column: error.column, message: error.message)
        // Compilers say some errors once for each step that meets them.
        guard seen.count < 10_000, seen.insert(error).inserted else { return }
        errorCount += 1
        if errors.count < Self.maximumErrors { errors.append(error) }
    }
}

/// A line without the sequences that colour it and move the cursor (ECMA-48, 5.4 and 8.3).
func withoutColours(_ line: [UInt8]) -> String {
    guard line.contains(0x1b) else { return String(decoding: line, as: UTF8.self) }
    var plain: [UInt8] = []
    var rest = line[...]
    while let byte = rest.popFirst() {
        guard byte == 0x1b else {
            plain.append(byte)
            continue
        }
        switch rest.first {
        case UInt8(ascii: "["):
            // Parameters and intermediates, then one final byte.
            rest = rest.dropFirst().drop { (0x20...0x3f).contains($0) }.dropFirst()
        case UInt8(ascii: "]"):
            // To BEL or ST.
            rest = rest.drop { $0 != 0x07 && $0 != 0x1b }
            if rest.first == 0x07 { rest = rest.dropFirst() } else { rest = rest.dropFirst(2) }
        default: rest = rest.dropFirst()
        }
    }
    return String(decoding: plain, as: UTF8.self)
}
