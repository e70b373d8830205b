// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage

/// Reads a log that grows, from where the last reading ended.
package struct EnvoyLogTail {
    private let path: FilePath
    private var offset: Int64 = 0
    /// The beginning of a line whose end was not written yet.
    private var rest: [UInt8] = []

    /// Reads from the beginning of a file.
    package init(_ path: FilePath) { self.path = path }

    /// The messages that were written since, as far as their lines are complete.
    ///
    /// A message of several lines may come in two: the second part then has neither level nor logger.
    package mutating func next() throws -> [EnvoyLogMessage] {
        let file = try FileDescriptor.open(path, .readOnly)
        defer { try? file.close() }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = try buffer.withUnsafeMutableBytes {
                try file.read(fromAbsoluteOffset: offset, into: $0)
            }
            guard count > 0 else { break }
            rest += buffer[..<count]
            offset += Int64(count)
        }
        guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        let text = String(decoding: rest[...end], as: UTF8.self)
        rest.removeSubrange(...end)
        return EnvoyLogMessage.parse(text)
    }
}
