// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage

/// Something in a project's own files that does not work, or not any more, by what is written there.
package struct ProjectSign: Sendable {
    /// What was found.
    package struct Finding: Sendable, Hashable {
        /// The file, relative to the project.
        package let file: String
        /// The first line that shows it, from one; nil if it is about what is not there.
        package let line: Int?
        /// What is wrong, and why.
        package let message: String
        /// What to change.
        package let advice: String
        /// Whether the project cannot be built, or its module not be loaded, before that is changed.
        package let isFatal: Bool

        /// Where it is, as in `Cargo.toml:3`.
        package var place: String { file + (line.map { ":\($0)" } ?? "") }
    }

    /// The languages whose projects are looked at; a sign of none is looked for in all.
    let languages: Set<String>
    /// Paths in the project; `*` stands for any part of a name.
    let files: [String]
    let message: String
    let advice: String
    let isFatal: Bool
    /// Whether a line shows it.
    var line: @Sendable (Substring) -> Bool = { _ in false }
    /// Whether a whole file shows it by what is not in it.
    var whole: @Sendable (String) -> Bool = { _ in false }
    /// A file in which what is not in the first one may be just as well.
    var elsewhere: String?

    private init(
        _ languages: Set<String>, _ files: [String], _ message: String, advice: String, isFatal: Bool
    ) {
        self.languages = languages
        self.files = files
        self.message = message
        self.advice = advice
        self.isFatal = isFatal
    }

    /// By a line that has something in it.
    static func line(
        _ languages: Set<String>, _ files: [String], _ message: String, advice: String, isFatal: Bool = true,
        shows: @escaping @Sendable (Substring) -> Bool
    ) -> ProjectSign {
        var sign = ProjectSign(languages, files, message, advice: advice, isFatal: isFatal)
        sign.line = shows
        return sign
    }

    /// By what a file lacks.
    static func whole(
        _ languages: Set<String>, _ files: [String], _ message: String, advice: String, isFatal: Bool = true,
        orIn elsewhere: String? = nil, shows: @escaping @Sendable (String) -> Bool
    ) -> ProjectSign {
        var sign = ProjectSign(languages, files, message, advice: advice, isFatal: isFatal)
        sign.elsewhere = elsewhere
        sign.whole = shows
        return sign
    }

    /// Looks at the files of a project.
    /// - Parameters:
    ///   - folder: the project.
    ///   - language: its language.
    /// - Returns: each sign once, at the first file that shows it.
    package static func find(in folder: FilePath, language: String) -> [Finding] {
        let signs = all.filter { $0.languages.isEmpty || $0.languages.contains(language) }
        var texts: [String: String?] = [:]
        func text(_ file: String) -> String? {
            if let known = texts[file] { return known }
            // A file that cannot be read shows nothing; the build says why.
            let bytes = try? Files.read(folder.pushing(FilePath(file)), limit: 1 << 20)
            let text = bytes.map { String(decoding: $0, as: UTF8.self) }
            texts[file] = .some(text)
            return text
        }
        return signs.compactMap { sign in
            for file in sign.files.flatMap({ matches($0, in: folder) }) {
                guard let own = text(file) else { continue }
                let more = sign.elsewhere.flatMap(text) ?? ""
                if let finding = sign.finding(in: own, file, and: more) { return finding }
            }
            return nil
        }
    }

    private func finding(in text: String, _ file: String, and more: String) -> Finding? {
        // A line may end as on Windows.
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        if let index = lines.firstIndex(where: { !Self.isComment($0, in: file) && line($0) }) {
            return Finding(file: file, line: index + 1, message: message, advice: advice, isFatal: isFatal)
        }
        guard whole(text + more) else { return nil }
        return Finding(file: file, line: nil, message: message, advice: advice, isFatal: isFatal)
    }

    /// Whether a whole line says something to people only.
    private static func isComment(_ line: Substring, in file: String) -> Bool {
        let text = line.drop { $0 == " " || $0 == "\t" }
        return text.hasPrefix("#") || (file == "go.mod" && text.hasPrefix("//"))
    }

    /// The files of a pattern, whose last part may have one `*`.
    static func matches(_ pattern: String, in folder: FilePath) -> [String] {
        guard pattern.contains("*") else {
            return Files.kind(folder.pushing(FilePath(pattern))) == .file ? [pattern] : []
        }
        let parts = pattern.split(separator: "/").map(String.init)
        let below = parts.dropLast().joined(separator: "/")
        let ends = (parts.last ?? "").split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
        let names = (try? Files.contents(folder.pushing(FilePath(below)))) ?? []
        return names.filter {
            $0.hasPrefix(ends[0]) && $0.hasSuffix(ends[1]) && $0.count >= ends[0].count + ends[1].count
        }.map { below.isEmpty ? $0 : "\(below)/\($0)" }
            .filter { Files.kind(folder.pushing(FilePath($0))) == .file }
    }
}
