// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import SystemPackage

/// The log of a running Envoy, as the steps of scenarios see it.
struct ScenarioLog {
    /// A module that trapped.
    struct Trap: Hashable {
        /// As in `proxy_on_request_headers`.
        let function: String
        /// As in `Uncaught RuntimeError: unreachable`.
        let reason: String
    }

    /// What a filter has said.
    struct Line: Hashable {
        let level: String
        let text: String
    }

    private static let levels = ["trace", "debug", "info", "warning", "error", "critical"]

    private var tail: EnvoyLogTail
    /// Which lines count; Envoy may be told to write more.
    private let lowest: Int
    private var isKeeping = true
    /// What was written since the step began, without Envoy's traces.
    private(set) var messages: [EnvoyLogMessage] = []
    private(set) var callbacks = CallbackTrace()

    init(_ file: FilePath, level: String) {
        tail = EnvoyLogTail(file)
        lowest = Self.levels.firstIndex(of: level) ?? 2
    }

    /// Takes what was written since.
    mutating func read() throws {
        for message in try tail.next() {
            if message.level.isEmpty, isKeeping, let last = messages.popLast() {
                // The rest of a message whose beginning was read before.
                messages.append(
                    EnvoyLogMessage(
                        level: last.level, logger: last.logger, text: "\(last.text)\n\(message.text)"))
                continue
            }
            callbacks.take(message)
            let rank = Self.levels.firstIndex(of: message.level) ?? Self.levels.count
            isKeeping = rank >= lowest
            if isKeeping { messages.append(message) }
        }
    }

    /// Forgets what was before.
    mutating func beginStep() throws {
        try read()
        messages = []
    }

    /// What a plugin has logged.
    func lines(of plugin: PluginIdentity) -> [Line] {
        messages.compactMap { message in
            plugin.text(of: message).map { Line(level: message.level, text: $0) }
        }
    }

    /// The traps since the step began.
    var traps: [Trap] {
        messages.compactMap { message in
            guard message.logger == "wasm", message.text.hasPrefix("Function: "),
                let end = message.text.firstRange(of: " failed: ")
            else { return nil }
            let function = message.text[..<end.lowerBound].dropFirst("Function: ".count)
            let reason = message.text[end.upperBound...].prefix { !$0.isNewline }
            return Trap(function: String(function), reason: String(reason))
        }
    }

    /// What there is to say about a step that went wrong.
    func shown(of plugin: PluginIdentity) -> [String] {
        messages.compactMap { message in
            if let text = plugin.text(of: message) { return "\(message.level): \(text)" }
            let isTelling =
                message.logger == "wasm" || ["", "warning", "error", "critical"].contains(message.level)
            guard isTelling, !message.text.hasPrefix("wasm log") else { return nil }
            return "envoy \(message.level): \(message.text)"
        }
    }
}

/// By what the lines of a plugin are known in Envoy's log.
struct PluginIdentity: Sendable {
    /// The name of the plugin and of its VM.
    let name: String
    let rootID: String

    /// What the plugin says in a message; nil if the message is not its own.
    func text(of message: EnvoyLogMessage) -> String? {
        let start = "wasm log "
        guard message.text.hasPrefix(start), message.text.contains(name) else { return nil }
        // Envoy writes "wasm log PLUGIN ROOT-ID VM-ID: TEXT", and leaves out what is empty, not known yet, or not known in
        // the context in which the module speaks.
        let parts = rootID.isEmpty ? [] : [[name, rootID, name], [rootID, name], [name, rootID]]
        for part in parts + [[name, name], [name]] {
            let prefix = start + part.joined(separator: " ") + ":"
            // The space goes with the end of the line if the text is empty.
            if message.text.hasPrefix(prefix) { return String(message.text.dropFirst(prefix.count + 1)) }
        }
        return nil
    }
}

/// Which callbacks Envoy's traces show: it writes `[host->vm] NAME(…)` when it enters one and `[host<-vm] NAME return: …`
/// when it is back.
struct CallbackTrace {
    private(set) var entered: Set<String> = []
    private var open: [String] = []

    /// The one that was entered last and has not returned; nil also without traces.
    var running: String? { open.last }

    mutating func take(_ message: EnvoyLogMessage) {
        guard message.logger == "wasm", message.level == "trace" else { return }
        if message.text.hasPrefix("[host->vm] ") {
            let name = String(message.text.dropFirst("[host->vm] ".count).prefix { $0 != "(" })
            entered.insert(name)
            open.append(name)
        } else if message.text.hasPrefix("[host<-vm] ") {
            let name = message.text.dropFirst("[host<-vm] ".count).prefix { $0 != " " }
            if let index = open.lastIndex(of: String(name)) { open.remove(at: index) }
        }
    }
}
