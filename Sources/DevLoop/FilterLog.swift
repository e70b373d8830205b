// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
private import Files
package import SystemPackage

/// A line of a log that has to do with the filter.
package struct FilterLogLine: Hashable, Sendable {
    /// `trace`, `debug`, `info`, `warning`, `error` or `critical`.
    package let level: String
    package let text: String
    /// Whether the filter wrote it, and not Envoy about it.
    package let isFilters: Bool

    /// Takes what a message of Envoy's log says of filters.
    /// - Returns: nil if it has nothing to do with them.
    package init?(_ message: EnvoyLogMessage) {
        level = message.level
        let mark = "wasm log"
        // "wasm log PLUGIN ROOT-ID VM-ID: TEXT", the ids only if there are any.
        if message.text.hasPrefix(mark), let colon = message.text.firstRange(of: ": ") {
            isFilters = true
            text = String(message.text[colon.upperBound...])
            return
        }
        let isAboutModules = message.logger == "wasm" && ["warning", "info"].contains(message.level)
        guard isAboutModules || ["error", "critical"].contains(message.level) else { return nil }
        isFilters = false
        text = message.text
    }
}

/// Follows Envoy's log, and keeps it from growing for ever.
package struct FilterLog {
    /// A log that is longer is emptied once it was read.
    static let maximumSize: Int64 = 64 << 20

    private let path: FilePath
    private var tail: EnvoyLogTail

    package init(_ path: FilePath) {
        self.path = path
        tail = EnvoyLogTail(path)
    }

    /// What was written since the last call.
    package mutating func next() throws -> [EnvoyLogMessage] {
        let messages = try tail.next()
        if (Files.size(path) ?? 0) > Self.maximumSize {
            // Envoy appends, so it goes on at the beginning.
            let file = try FileDescriptor.open(path, .writeOnly)
            defer { try? file.close() }
            try file.resize(to: 0)
            tail = EnvoyLogTail(path)
        }
        return messages
    }
}
