// SPDX-License-Identifier: Apache-2.0

private import Foundation
import JSON
import Logging

/// How the log is written.
struct LogSettings: Hashable {
    enum Format: String, CaseIterable {
        case text, json
    }

    var format = Format.text
    var level = Logger.Level.notice
    /// Whether each request is a line.
    var includesRequests = false
}

/// Writes each event as one line to standard error: for people, or as JSON.
///
/// Whatever stands in a value, a line stays one line.
struct LineLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let format: LogSettings.Format
    private let write: @Sendable (String) -> Void

    init(
        _ settings: LogSettings,
        write: @escaping @Sendable (String) -> Void = { Output.note($0) }
    ) {
        logLevel = settings.level
        format = settings.format
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let metadata = metadata.merging(event.metadata ?? [:]) { $1 }
        let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        switch format {
        case .text:
            let values = metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.word("\($0.value)"))" }
            write(
                ([time, "\(event.level)", Self.line("\(event.message)")] + values).joined(separator: " "))
        case .json:
            var members = ["\"time\":\"\(time)\"", "\"level\":\"\(event.level)\""]
            members.append("\"message\":\(Self.quoted("\(event.message)"))")
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
                members.append("\(Self.quoted(key)):\(Self.json(value))")
            }
            write("{\(members.joined(separator: ","))}")
        }
    }

    /// Numbers stay numbers.
    private static func json(_ value: Logger.MetadataValue) -> String {
        if case .stringConvertible(let number) = value, number is Int || number is Int64 || number is Double {
            return "\(number)"
        }
        return quoted("\(value)")
    }

    /// A value as one word; in quotes if it has characters that part words.
    private static func word(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy {
            (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        return isPlain && !text.isEmpty ? text : quoted(text)
    }

    private static func line(_ text: String) -> String {
        text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? quoted(text) : text
    }

    private static func quoted(_ text: String) -> String { JSONValue.quoted(text, forTerminal: true) }
}

extension HubConfiguration {
    /// Where a line for each request goes; nil if that is not wanted.
    var requestLog: Logger? {
        guard log.includesRequests else { return nil }
        var settings = log
        // Whoever wants them has said so; the level is about everything else.
        settings.level = .info
        return Logger(label: "wasme-hub.requests") { [settings] _ in LineLogHandler(settings) }
    }
}
