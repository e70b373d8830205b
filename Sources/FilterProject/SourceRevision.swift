// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage

/// Which sources a module was built from, as git has them.
package struct SourceRevision: Sendable, Hashable {
    /// Where the repository can be had, without credentials.
    package var source: String?
    /// The commit; with `-dirty` when files differ from it.
    package var revision: String?
    /// When the commit was made, in ISO 8601; nil when files differ from it.
    package var created: String?

    package init(source: String? = nil, revision: String? = nil, created: String? = nil) {
        self.source = source
        self.revision = revision
        self.created = created
    }

    /// The annotations that say so (image-spec 1.1, annotations.md).
    package var annotations: [String: String] {
        var annotations: [String: String] = [:]
        annotations["org.opencontainers.image.source"] = source
        annotations["org.opencontainers.image.revision"] = revision
        annotations["org.opencontainers.image.created"] = created
        return annotations
    }

    /// Asks git about a project's folder; what git cannot say, or there is no git to say, is left out.
    ///
    /// A repository can name programs to be run in its own configuration. None of them is: a build looks at the
    /// sources, and that must not be more dangerous than looking.
    /// - Parameters:
    ///   - folder: the project.
    ///   - environment: PATH, HOME and SOURCE_DATE_EPOCH count.
    ///   - note: told why there is nothing to say.
    /// - Returns: what is known; nothing of it has to be.
    /// - Throws: `CancellationError` only.
    package static func read(
        of folder: FilePath, environment: [String: String], note: @Sendable (String) -> Void = { _ in }
    ) async throws -> SourceRevision {
        var revision = SourceRevision()
        if let git = Git(folder: folder, environment: environment) {
            do {
                try await git.read(into: &revision, note)
            } catch let error as ProjectError {
                note("the image does not say what it was built from: \(error)")
            }
        }
        if revision.created == nil, let epoch = environment["SOURCE_DATE_EPOCH"].flatMap({ Int64($0) }) {
            revision.created = isoTime(epoch)
        }
        return revision
    }

    /// A remote's URL as others can follow it: without credentials, and by https instead of ssh.
    static func publicURL(_ remote: String) -> String? {
        let text = remote.filter { $0.isASCII && !$0.isWhitespace }
        guard text == remote, !text.isEmpty else { return nil }
        func plain(_ rest: Substring, scheme: String) -> String? {
            var authority = rest.prefix { $0 != "/" }
            let path = rest.dropFirst(authority.count)
            if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
            guard !authority.isEmpty, path.count > 1 else { return nil }
            // A port of ssh is none of https.
            if scheme == "ssh", let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
                authority = authority[..<colon]
            }
            return (scheme == "http" ? "http://" : "https://") + authority
                + path.prefix { $0 != "?" && $0 != "#" }
        }
        for scheme in ["https", "http", "ssh", "git"] where text.hasPrefix("\(scheme)://") {
            return plain(text.dropFirst(scheme.count + 3), scheme: scheme)
        }
        // The short form of ssh: user@host:path. A path of this machine leads nobody anywhere.
        guard !text.contains("://"), let colon = text.firstIndex(of: ":"), !text[..<colon].contains("/"),
            text[..<colon].contains("@") || text[..<colon].contains(".")
        else { return nil }
        let path = text[text.index(after: colon)...].drop { $0 == "/" }
        return plain("\(text[..<colon])/\(path)", scheme: "ssh")
    }

    /// Seconds since 1970 as image-spec wants times (RFC 3339); by hand, because Foundation's are many to choose from.
    static func isoTime(_ seconds: Int64) -> String? {
        guard (0...253_402_300_799).contains(seconds) else { return nil }
        let (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        // The civil calendar from a count of days, in eras of 400 years that begin in March.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func padded(_ number: Int64, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
            + "T\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))Z"
    }
}

/// Questions to git about one folder, in surroundings in which it runs nothing else.
private struct Git {
    let program: FilePath
    let folder: FilePath
    let environment: [String: String]

    init?(folder: FilePath, environment: [String: String]) {
        // Nothing is asked where there is no repository: most tests, and many first tries.
        var candidate = folder
        while Files.kind(candidate.appending(".git")) == nil {
            guard candidate.removeLastComponent() else { return nil }
        }
        guard let program = ToolProcess.find("git", environment: environment, relativeTo: folder) else {
            return nil
        }
        self.program = program
        self.folder = folder
        var clean = [
            "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat",
        ]
        // The user's own configuration says which folders of others are trusted; GIT_DIR and its like are not for here.
        for name in ["PATH", "HOME", "XDG_CONFIG_HOME"] { clean[name] = environment[name] }
        self.environment = clean
    }

    /// What a repository's configuration could have git run for these questions, turned off.
    private static let harmless = [
        "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c",
        "log.showSignature=false",
        "-c", "diff.external=", "-c", "core.sshCommand=false", "-c", "protocol.allow=never",
    ]

    private func ask(
        _ arguments: [String], with settings: [(key: String, value: String)] = []
    ) async throws -> ToolProcess.Captured {
        var environment = environment
        // Not with -c: there a name with "=" in it would be another name.
        environment["GIT_CONFIG_COUNT"] = String(settings.count)
        for (number, setting) in settings.enumerated() {
            environment["GIT_CONFIG_KEY_\(number)"] = setting.key
            environment["GIT_CONFIG_VALUE_\(number)"] = setting.value
        }
        return try await ToolProcess.capture(
            program, Self.harmless + arguments, environment: environment, in: folder)
    }

    func read(into revision: inout SourceRevision, _ note: @Sendable (String) -> Void) async throws {
        let head = try await ask(["rev-list", "-1", "--timestamp", "HEAD"])
        guard head.succeeded else {
            let why = head.stderr.split(separator: "\n").first ?? "git says nothing"
            note("the image does not say what it was built from: \(why)")
            return
        }
        let remote = try await ask(["config", "--get", "remote.origin.url"])
        if remote.succeeded {
            revision.source = SourceRevision.publicURL(remote.stdout.trimmed)
        }
        // "<seconds> <commit>"
        let words = head.stdout.split { $0 == " " || $0 == "\n" }
        guard words.count == 2, let seconds = Int64(words[0]) else { return }
        let status = try await ask(
            ["status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=dirty", "--", "."],
            with: try await filtersOff())
        if status.succeeded, status.stdout.isEmpty {
            revision.revision = String(words[1])
            revision.created = SourceRevision.isoTime(seconds)
        } else {
            revision.revision = "\(words[1])-dirty"
        }
    }

    /// Content filters are programs that `git status` runs over changed files: each that is configured is emptied.
    private func filtersOff() async throws -> [(key: String, value: String)] {
        let configured = try await ask(["config", "-z", "--name-only", "--get-regexp", #"^filter\."#])
        let names = Set(
            configured.stdout.split(separator: "\0").compactMap { key -> Substring? in
                guard let end = key.lastIndex(of: "."), end > key.startIndex else { return nil }
                return key[..<end]
            })
        return names.sorted().flatMap { name in
            [("\(name).clean", ""), ("\(name).process", ""), ("\(name).required", "false")]
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
