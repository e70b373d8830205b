// SPDX-License-Identifier: Apache-2.0

private import Files
package import OCI
package import SystemPackage

/// The files that a build reads, and one digest of them all.
package struct BuildInputs: Sendable {
    /// What is never an input: the histories of version control, and what systems leave about.
    private static let ignored: Set<String> = [".git", ".hg", ".svn", ".jj", ".wasme", ".DS_Store"]
    /// Beyond this, asking the toolchain is cheaper than reading.
    private static let maximumFiles = 20_000
    private static let maximumBytes = 256 << 20

    /// The project's folder.
    let root: FilePath
    /// Patterns of the project's paths that are no inputs: what builds write.
    private(set) var outputs: [PathPattern]
    /// The only paths that are inputs; empty for all.
    let only: [String]

    /// The inputs of a project: everything in its folder but what builds write.
    package init(of project: FilterProject) {
        root = project.root
        let build = project.manifest.build
        let written = build.output.map { [$0] } ?? []
        outputs = ((Language.named(project.manifest.language)?.outputs ?? []) + written)
            .map(PathPattern.init)
        only = build.inputs
    }

    /// These inputs without some of them.
    func leaving(out names: [String]) -> BuildInputs {
        var inputs = self
        inputs.outputs += names.map(PathPattern.init)
        return inputs
    }

    /// One digest of names and contents; nil if there is too much to read.
    package func digest() throws -> Digest? { try digest(of: nil) }

    /// One digest of the inputs and of what the build reads elsewhere.
    func digest(of outside: [FilePath]?) throws -> Digest? {
        var walk = Walk(inputs: self)
        if only.isEmpty {
            try walk.folder(root, name: "")
        } else {
            for name in only.sorted() + [FilterProject.manifestName] {
                try walk.entry(
                    root.pushing(FilePath(name)).lexicallyNormalized(), name: name, base: name)
            }
        }
        for path in (outside ?? []).sorted(by: { $0.string < $1.string }) {
            try walk.entry(path, name: path.string)
        }
        return walk.isTooMuch ? nil : Digest(of: Array(walk.lines.joined(separator: "\n").utf8))
    }

    /// Whether a path of the project is written by builds, or is nothing to look at.
    func ignores(_ relative: String) -> Bool {
        let last = relative.split(separator: "/").last.map(String.init) ?? ""
        return Self.ignored.contains(last) || outputs.contains { $0.matches(relative) }
    }

    /// Every folder that has inputs in it, the project's own first.
    package func folders() throws -> [FilePath] {
        var walk = Walk(inputs: self, reads: false)
        try walk.folder(root, name: "")
        return walk.folders
    }

    /// A walk through folders; links are followed, each folder once.
    private struct Walk {
        let inputs: BuildInputs
        var reads = true
        var lines: [String] = []
        var folders: [FilePath] = []
        var files = 0
        var bytes = 0
        var seen: Set<FilePath> = []

        var isTooMuch: Bool { files > maximumFiles || bytes > maximumBytes }

        /// Takes a folder.
        /// - Parameters:
        ///   - path: where it is.
        ///   - name: what it is called in the digest.
        ///   - base: where patterns of paths start from.
        /// - Throws: `SystemError`.
        mutating func folder(_ path: FilePath, name: String, base: String = "") throws {
            guard !isTooMuch, seen.insert(realPath(path)).inserted else { return }
            folders.append(path)
            for entry in try Files.contents(path) {
                let relative = base.isEmpty ? entry : "\(base)/\(entry)"
                guard !inputs.ignores(relative) else { continue }
                try self.entry(
                    path.appending(entry), name: name.isEmpty ? entry : "\(name)/\(entry)", base: relative)
            }
        }

        mutating func entry(_ path: FilePath, name: String, base: String = "") throws {
            guard !isTooMuch else { return }
            switch Files.kind(path) {
            case .directory: try folder(path, name: name, base: base)
            case .file where reads:
                files += 1
                bytes += Int(Files.size(path) ?? 0)
                guard !isTooMuch else { return }
                lines.append("\(Digest(of: try Files.read(path, limit: maximumBytes))) \(name)")
            case nil: lines.append("none \(name)")
            default: break
            }
        }
    }
}

/// A path in which `*` stands for any part of a name; a folder's stands for all below it.
package struct PathPattern: Sendable, Hashable {
    private let parts: [String]

    package init(_ pattern: String) {
        parts = pattern.split(separator: "/").map(String.init).filter { $0 != "." }
    }

    /// Whether a path, or a folder above it, fits.
    package func matches(_ path: String) -> Bool {
        let names = path.split(separator: "/")
        guard names.count >= parts.count, !parts.isEmpty else { return false }
        return zip(names, parts).allSatisfy { Self.matches($0, $1[...]) }
    }

    /// Whether a name fits a pattern.
    package static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
        guard let star = pattern.firstIndex(of: "*") else { return name == pattern }
        guard name.hasPrefix(pattern[..<star]) else { return false }
        let rest = pattern[pattern.index(after: star)...]
        var tail = name.dropFirst(pattern[..<star].count)
        while true {
            if matches(tail, rest) { return true }
            guard !tail.isEmpty else { return false }
            tail = tail.dropFirst()
        }
    }
}
