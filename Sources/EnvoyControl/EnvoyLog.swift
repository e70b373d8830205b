// SPDX-License-Identifier: Apache-2.0

/// One message of Envoy's log, in its default format
/// `[2026-01-31 12:00:00.000][thread][level][logger] [source:line] text`.
package struct EnvoyLogMessage: Hashable, Sendable {
    /// `trace`, `debug`, `info`, `warning`, `error` or `critical`; empty for what was printed around the log.
    package let level: String
    /// Which part of Envoy wrote it, as in `wasm`, `main` or `config`.
    package let logger: String
    /// What it says; a back trace or any other line without a prefix belongs to the message above it.
    package let text: String

    package init(level: String, logger: String, text: String) {
        self.level = level
        self.logger = logger
        self.text = text
    }

    /// Reads a log.
    package static func parse(_ log: String) -> [EnvoyLogMessage] {
        var messages: [EnvoyLogMessage] = []
        for line in log.split(whereSeparator: \.isNewline) {
            if let message = EnvoyLogMessage(line: line) {
                messages.append(message)
            } else if let last = messages.popLast() {
                messages.append(
                    EnvoyLogMessage(level: last.level, logger: last.logger, text: "\(last.text)\n\(line)"))
            } else {
                messages.append(EnvoyLogMessage(level: "", logger: "", text: String(line)))
            }
        }
        return messages
    }

    private init?(line: Substring) {
        var rest = line
        var fields: [Substring] = []
        while fields.count < 4 {
            guard rest.first == "[", let close = rest.firstIndex(of: "]") else { return nil }
            fields.append(rest[rest.index(after: rest.startIndex)..<close])
            rest = rest[rest.index(after: close)...]
        }
        // The place in Envoy's source is of use to its developers only.
        if rest.hasPrefix(" [source/"), let close = rest.firstIndex(of: "]") {
            rest = rest[rest.index(after: close)...]
        }
        self.init(
            level: String(fields[2]), logger: String(fields[3]), text: String(rest.drop { $0 == " " }))
    }
}

/// Why Envoy refused something, in its own words, and what to do about it.
package struct EnvoyReason: Hashable, Sendable {
    /// Its complaints, the one that names the cause first.
    package let reasons: [String]
    package let hint: String?

    /// Reads the reason from what Envoy wrote before it gave up.
    init(log: String) { self.init(EnvoyLogMessage.parse(log)) }

    /// Takes the reason from what Envoy wrote about something that it does not take.
    package init(_ messages: [EnvoyLogMessage]) {
        let complaints =
            messages
            .filter { ["", "error", "critical"].contains($0.level) }
            .map { Self.withoutNoise($0.text) }
        let telling = complaints.filter { text in !Self.consequences.contains { text.contains($0) } }
        var reasons: [String] = []
        for text in telling.isEmpty ? complaints : telling where !text.isEmpty && !reasons.contains(text) {
            reasons.append(text)
        }
        self.reasons = reasons
        hint = Self.hints.first { entry in reasons.contains { $0.contains(entry.text) } }?.hint
    }

    /// Lines that follow from another one and say nothing of their own; the second is printed with every policy.
    private static let consequences = [
        "failed to load", "Plugin configured to fail closed failed to load", "Unable to create Wasm plugin",
        "exiting", "Unable to create Wasm service",
    ]

    /// Drops where the throw-away configuration lay and the offsets into Envoy's own JSON form of it.
    private static func withoutNoise(_ text: String) -> String {
        // Protobuf varies the spaces in its messages from build to build, so that nobody relies on them.
        var text = (text.split(separator: "\n").first ?? "").split(separator: " ").joined(separator: " ")
        if text.hasPrefix("error initializing configuration '"), let end = text.range(of: "': ") {
            text = String(text[end.upperBound...])
        }
        if text.hasPrefix("error initializing config '"), let end = text.range(of: "': ") {
            text = String(text[end.upperBound...])
        }
        if let offset = text.range(of: ", near "), let end = text.range(of: "): ", in: offset.upperBound) {
            text.removeSubrange(offset.lowerBound..<text.index(after: end.lowerBound))
        }
        return text
    }

    /// What people can do about the refusals we know.
    private static let hints: [(text: String, hint: String)] = [
        (
            "missing import",
            "this Envoy does not offer that function; build for a host that has it, see 'wasme check'"
        ),
        (
            "import type mismatch",
            "the module was built against another version of the Proxy-Wasm ABI; rebuild it with a current SDK"
        ),
        (
            "unknown Proxy-Wasm ABI version",
            "the module must export proxy_abi_version_0_2_1 or an older one; build it with a Proxy-Wasm SDK"
        ),
        (
            "Bad function signature for",
            "the callback does not fit the ABI version that the module exports; rebuild it with one SDK throughout"
        ),
        (
            "missing malloc function",
            "the module must export malloc or proxy_on_memory_allocate, through which Envoy hands over data"
        ),
        (
            "Failed to configure base Wasm plugin",
            "the filter refused its configuration; compare it with the filter's schema, and look at its log"
        ),
        ("Failed to start base Wasm", "the filter's proxy_on_vm_start failed; look at its log"),
        (
            "Failed to create new Wasm instance",
            "the module trapped while it was loaded; initialisers may not call the host"
        ),
        ("_initialize failed", "the module trapped while it was loaded; initialisers may not call the host"),
        ("corrupted Wasm module", "the file is not a WebAssembly module, or only a part of one"),
        (
            "compiled without support",
            "this Envoy was built without that engine; use envoy.wasm.runtime.v8, or an Envoy that has it"
        ),
        (
            "Didn't find a registered implementation",
            "this Envoy was built without that extension; use a build that has the Wasm filter"
        ),
        (
            "Address already in use",
            "another process listens there; end it or choose another port"
        ),
        ("cannot bind", "choose an address of this machine and a port that this user may open"),
        ("no such field", "the configuration is not for this version of Envoy; correct the named field"),
        ("Unable to parse JSON as proto", "correct the named field in the configuration"),
        ("Unable to convert YAML as JSON", "the configuration is not valid YAML"),
        ("Invalid path", "the file that the configuration names is missing or not readable"),
    ]
}

extension String {
    fileprivate func range(of text: String, in start: String.Index) -> Range<String.Index>? {
        self[start...].firstRange(of: text)
    }

    fileprivate func range(of text: String) -> Range<String.Index>? { firstRange(of: text) }
}
