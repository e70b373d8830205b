// SPDX-License-Identifier: Apache-2.0

extension ScenarioRequest {
    /// A command that sends the same request to an Envoy of `wasme run`; nil for what curl cannot do.
    var curl: String? {
        // curl sends no trailers, and an argument can hold text only.
        guard trailers.isEmpty, path.hasPrefix("/"), let body = textBody else { return nil }
        var words = ["curl", "-i"]
        if self.protocol == .http2 { words.append("--http2-prior-knowledge") }
        if method == "HEAD" {
            words.append("-I")
        } else if method != (body.isEmpty ? "GET" : "POST") {
            words += ["-X", method]
        }
        // Dots and brackets mean something to curl.
        if path.contains("/.") { words.append("--path-as-is") }
        if path.contains(where: { "[]{}".contains($0) }) { words.append("-g") }
        for (name, value) in headers {
            // Without a value, curl takes a colon for the wish to send no such header.
            words += ["-H", value.isEmpty ? "\(name);" : "\(name): \(value)"]
        }
        var input = ""
        if !body.isEmpty {
            if !headers.has("content-type") { words += ["-H", "content-type:"] }
            if body.contains("\0") {
                input = "printf '\(Self.octal(body))' | "
                words += ["--data-binary", "@-"]
            } else {
                // What begins with "@" would be the name of a file.
                words += [body.hasPrefix("@") ? "--data-raw" : "--data-binary", body]
            }
        }
        words.append("http://127.0.0.1:10000\(path)")
        return input + words.map(Self.quoted).joined(separator: " ")
    }

    /// The whole body; nil if it is no text.
    private var textBody: String? {
        String(validating: body.compactMap(\.content).flatMap { $0 }, as: UTF8.self)
    }

    /// A word for a POSIX shell.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_./:,=+@%".utf8.contains(byte)
        }
        guard word.isEmpty || !isPlain else { return word }
        return "'" + word.replacing("'", with: "'\\''") + "'"
    }

    /// A format of `printf` for bytes that no argument can hold.
    private static func octal(_ text: String) -> String {
        text.utf8.map { byte in
            let digits = String(byte, radix: 8)
            return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        }.joined()
    }
}
