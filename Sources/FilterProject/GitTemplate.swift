// SPDX-License-Identifier: Apache-2.0

package import FilterImage
private import Files
private import Programs
package import SystemPackage

/// A project template in a git repository, as people write it: `https://host/path#ref`.
package struct GitTemplate: Sendable, Hashable, CustomStringConvertible {
    private let url: String
    /// A branch, a tag or a whole commit id; nil for what the repository itself shows first.
    private let ref: String?

    package var description: String { url + (ref.map { "#\($0)" } ?? "") }

    /// Reads an address; nil for a text that is none.
    /// - Throws: `ProjectError` for one that is not allowed.
    package init?(_ text: String) throws(ProjectError) {
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let url = String(parts[0])
        // `user@host:path`, as git and ssh have it.
        let isShort = url.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:]+/) != nil
        let scheme = url.firstRange(of: "://").map { url[..<$0.lowerBound].lowercased() }
        guard isShort || scheme != nil else { return nil }
        if let scheme, !["file", "https", "ssh"].contains(scheme) {
            throw ProjectError(
                .noTemplate, "templates are not fetched by \(quoted(scheme))",
                hint: scheme == "oci" || scheme == "docker"
                    ? "name an image without a scheme, as in ghcr.io/acme/template:v1"
                    : "write https://…, ssh://… or file://…")
        }
        let authority = url.firstRange(of: "://").map { url[$0.upperBound...].prefix { $0 != "/" } } ?? ""
        guard !(authority.split(separator: "@").first ?? "").contains(":") || !authority.contains("@") else {
            throw ProjectError(
                .noTemplate, "the address of the template has a password in it",
                hint: "leave it out: git asks its own credential helpers")
        }
        guard !authority.hasPrefix("-"), isLine(url), !url.contains(" ") else {
            throw ProjectError(.noTemplate, "\(quoted(url)) is not the address of a git repository")
        }
        self.url = url
        guard parts.count > 1 else {
            ref = nil
            return
        }
        let ref = String(parts[1])
        guard ref.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._\/+-]{0,200}/) != nil, !ref.contains("..") else {
            throw ProjectError(
                .noTemplate, "\(quoted(ref)) is not a branch, a tag or a commit",
                hint: "write it behind the address, as in https://host/path#v1.2.0")
        }
        self.ref = ref
    }

    /// Fetches the files of one commit, and nothing else.
    ///
    /// Nothing of the repository runs and nothing is checked out: no hooks, no filters, no submodules. The user's own
    /// settings count for the way there, as proxies and credential helpers do; nobody is asked for a password.
    /// - Parameters:
    ///   - environment: the variables to look at, PATH among them.
    ///   - scratch: a folder for what is needed meanwhile.
    /// - Returns: the files, and the commit that they are of.
    /// - Throws: `ProjectError`, or `FilterImageError` if they cannot be a template.
    package func fetch(
        environment: [String: String], scratch: FilePath
    ) async throws -> (content: TemplateContent, commit: String) {
        guard let git = Git(environment: environment, in: scratch) else {
            throw ProjectError(
                .noToolchain, "cannot fetch the template \"\(self)\": there is no git in PATH",
                hint: "install git, or fetch it yourself and name the folder")
        }
        let folder = scratch.appending("wasme-template-\(Files.randomName())")
        try Files.createDirectory(folder)
        defer { try? Files.remove(folder) }
        let repository = folder.appending("repository.git").string
        let variables = git.environment
        @Sendable func run(
            _ arguments: [String], _ variables: [String: String]
        ) async throws -> ToolProcess.Captured {
            try await ToolProcess.capture(
                git.program, arguments, environment: variables, in: folder, hasTerminal: false)
        }
        // What is here needs nothing of the user's, whose settings may name programs that change files on their way out.
        let alone = Self.withoutSettings(variables, home: folder)
        var answer = try await run(["init", "--quiet", "--bare", "--template=", repository], alone)
        let fetch = Self.settings + ["-C", repository, "fetch", "--quiet", "--depth=1", "--no-tags"]
        if answer.succeeded {
            let info = "\(repository)/info"
            try Files.createDirectory(FilePath(info))
            try Files.replace(FilePath("\(info)/attributes"), with: Array(Self.attributes.utf8))
            let words = fetch + ["--no-recurse-submodules", "--", url, ref ?? "HEAD"]
            let packs = FilePath("\(repository)/objects/pack")
            guard
                let fetched = try await Self.unless(
                    packs, exceeds: Self.maximumDownload, { try await run(words, variables) })
            else { throw tooLarge }
            answer = fetched
        }
        guard answer.succeeded else {
            let reason = Git.reason(answer.stderr)
            throw ProjectError(
                Self.code(of: reason), "cannot fetch the template \"\(self)\": \(reason)",
                hint: "'git ls-remote \(url)' lists what is there; a commit needs its whole id")
        }
        let commit = try await run(
            ["-C", repository, "rev-parse", "--verify", "--quiet", "FETCH_HEAD^{commit}"], alone)
        try await refuseTooLarge { try await run(["-C", repository] + Self.listing, alone) }
        let archive = folder.appending("template.tar")
        answer = try await run(
            Self.settings + [
                "-C", repository, "archive", "--format=tar", "--output=\(archive)", "FETCH_HEAD",
            ], alone)
        guard commit.succeeded, answer.succeeded else {
            throw ProjectError(
                .noTemplate, "cannot read the template \"\(self)\": \(Git.reason(answer.stderr))")
        }
        let content = try TemplateContent(tarFile: archive, name: description)
        return (content, String(commit.stdout.prefix { $0 != "\n" }))
    }

    /// Bytes that git may bring: what a template can have, and some room for what it leaves out by `export-ignore`.
    private static let maximumDownload = 4 * TemplateContent.maximumBytes

    private var tooLarge: ProjectError {
        ProjectError(
            .noTemplate,
            "cannot use the template \"\(self)\": its repository has more than \(Self.maximumDownload >> 20) MiB in one commit",
            hint: "a template is the start of a project; give it a repository of its own")
    }

    /// Does something while a folder's files stay below a size; nil if they do not, and it is stopped.
    private static func unless(
        _ folder: FilePath, exceeds limit: Int,
        _ work: @escaping @Sendable () async throws -> ToolProcess.Captured
    ) async throws -> ToolProcess.Captured? {
        try await withThrowingTaskGroup(of: ToolProcess.Captured?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                while size(of: folder) <= limit { try await Task.sleep(for: .milliseconds(100)) }
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// Bytes of a folder's own files; none while it is not there.
    private static func size(of folder: FilePath) -> Int {
        let names = (try? Files.contents(folder)) ?? []
        return names.reduce(0) { $0 + Int(Files.size(folder.appending($1)) ?? 0) }
    }

    private static let listing = ["ls-tree", "-r", "-l", "-z", "FETCH_HEAD"]

    /// Refuses a commit whose files are too many or too large, before they are written out: a small repository can
    /// name the same file a million times.
    private func refuseTooLarge(_ list: () async throws -> ToolProcess.Captured) async throws {
        let listed: ToolProcess.Captured
        do {
            listed = try await list()
        } catch is ProjectError {
            // The list alone is longer than any answer should be.
            throw tooLarge
        }
        // "100644 blob ID SIZE<tab>PATH", and "-" for the size of a submodule (git-ls-tree(1)).
        var size = 0
        for entry in listed.stdout.utf8.split(separator: 0) {
            let words = entry.prefix { $0 != UInt8(ascii: "\t") }.split(separator: UInt8(ascii: " "))
            size += words.count == 4 ? Int(Substring(words[3])) ?? 0 : 0
            guard size <= Self.maximumDownload else { throw tooLarge }
        }
    }

    /// Files are taken as they were committed: nothing a repository says of them makes them others, or larger.
    private static let attributes =
        "* !text !eol !ident !filter !working-tree-encoding !export-subst\n"

    private static let settings = [
        "core.hooksPath=/dev/null", "core.attributesFile=/dev/null", "core.fsmonitor=false", "gc.auto=0",
        "maintenance.auto=false", "fetch.unpackLimit=1", "protocol.allow=never", "protocol.file.allow=always",
        "protocol.https.allow=always", "protocol.ssh.allow=always",
    ].flatMap { ["-c", $0] }

    /// The variables of a git that reads no settings but those of its command line and its repository.
    private static func withoutSettings(_ variables: [String: String], home: FilePath) -> [String: String] {
        var alone = variables.filter { !$0.key.hasPrefix("GIT_CONFIG") }
        alone["GIT_CONFIG_NOSYSTEM"] = "1"
        alone["GIT_CONFIG_GLOBAL"] = "/dev/null"
        // A git before 2.32 knows no GIT_CONFIG_GLOBAL.
        alone["HOME"] = home.string
        alone["XDG_CONFIG_HOME"] = home.string
        return alone
    }

    /// What kind of failure git's words are of, as it says them in English.
    private static func code(of reason: String) -> ProjectError.Code {
        func says(_ words: String...) -> Bool { words.contains(where: reason.contains) }
        if says(
            "Permission denied", "Authentication failed", "could not read Username", "returned error: 403")
        {
            return .deniedTemplate
        }
        return says("remote ref", "not found", "does not appear to be a git repository", "not our ref")
            ? .noTemplate : .unreachableTemplate
    }
}
