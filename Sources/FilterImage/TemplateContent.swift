// SPDX-License-Identifier: Apache-2.0

private import Archive
private import Files
package import OCI
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// The files of a project template that came from elsewhere: in memory, in bounds, and none that leads out of the
/// folder which they will be written to.
package struct TemplateContent: Sendable {
    /// What errors call the template.
    package let name: String
    /// The bytes by path, as in `Sources/main.c`.
    package private(set) var files: [String: [UInt8]] = [:]

    /// Files at most.
    package static let maximumFiles = 2000
    /// Bytes of all files at most.
    package static let maximumBytes = 16 << 20

    private var size = 0

    /// Reads a folder; `.git` and what builds leave there are no part of a template.
    package init(folder: FilePath, name: String? = nil) throws {
        self.name = name ?? folder.string
        guard Files.kind(folder) == .directory else {
            throw unusable("it is not a folder", hint: "name a folder with a template.json")
        }
        var open = [""]
        while let prefix = open.popLast() {
            for entry in try Files.contents(folder.pushing(FilePath(prefix)))
            where !Self.skipped.contains(entry) {
                let path = prefix.isEmpty ? entry : "\(prefix)/\(entry)"
                let place = folder.pushing(FilePath(path))
                guard !Self.isLink(place) else { throw refused(path, "a symbolic link") }
                switch Files.kind(place) {
                case .directory: open.append(path)
                case .file: try add(path, try Files.read(place, limit: Self.maximumBytes))
                case .other, nil: throw refused(path, "a device, a pipe or a socket")
                }
            }
        }
        try refuseClashes()
    }

    /// Reads a tar archive, compressed or not.
    package init(tar source: any ByteSource, name: String) throws {
        self.name = name
        var reader = TarReader()
        reader.maximumEntries = 2 * Self.maximumFiles
        reader.maximumBytes = Int64(Self.maximumBytes)
        var found: [(path: String, sink: MemorySink)] = []
        var other: (path: String, kind: String)?
        do {
            try reader.read(
                source, name: "the template \"\(name)\"",
                visit: { path, _ in
                    let sink = MemorySink(limit: Self.maximumBytes)
                    found.append((path, sink))
                    return sink
                },
                other: { path, kind in
                    if kind != "a folder", other == nil { other = (path, kind) }
                })
        } catch let error as ArchiveError where error.code == .tooLarge {
            throw tooLarge
        }
        if let other { throw refused(other.path, other.kind) }
        for (path, sink) in found {
            try add(path.hasPrefix("./") ? String(path.dropFirst(2)) : path, sink.bytes)
        }
        try refuseClashes()
    }

    /// Reads a tar archive in a file.
    package init(tarFile: FilePath, name: String) throws {
        try self.init(tar: try FileSource(tarFile), name: name)
    }

    private mutating func add(_ path: String, _ bytes: [UInt8]) throws {
        if let fault = TemplatePath.fault(in: path) {
            throw unusable(
                "its file \"\(TemplatePath.shown(path))\" has a path that is not allowed: \(fault)")
        }
        guard files[path] == nil else {
            throw unusable("its file \"\(TemplatePath.shown(path))\" is there twice")
        }
        size += bytes.count
        guard files.count < Self.maximumFiles, size <= Self.maximumBytes else { throw tooLarge }
        files[path] = bytes
    }

    private func refuseClashes() throws {
        if let (one, other) = TemplatePath.clash(in: files.keys) {
            throw unusable("its files \"\(one)\" and \"\(other)\" cannot be in one folder on every system")
        }
    }

    private var tooLarge: FilterImageError {
        unusable(
            "it has more than \(Self.maximumFiles) files or \(Self.maximumBytes >> 20) MiB",
            hint: "a template is the start of a project; leave out what builds make")
    }

    private func refused(_ path: String, _ kind: String) -> FilterImageError {
        unusable(
            "\"\(TemplatePath.shown(path))\" in it is \(kind)", hint: "a template has plain files only")
    }

    private func unusable(_ why: String, hint: String? = nil) -> FilterImageError {
        FilterImageError(.unusableTemplate, "\"\(name)\" cannot be used as a template: \(why)", hint: hint)
    }

    private static let skipped: Set<String> = [
        ".git", ".build", ".swiftpm", "node_modules", ".DS_Store", ".zig-cache",
    ]

    private static func isLink(_ path: FilePath) -> Bool {
        var status = stat()
        return lstat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }
}

/// What a path of a template may be: a name below the project's folder, on every system.
package enum TemplatePath {
    /// Why a path is not allowed; nil for one that is.
    package static func fault(in path: String) -> String? {
        if path.isEmpty { return "it is empty" }
        if path.utf8.count > 500 { return "it is longer than 500 bytes" }
        if path.hasPrefix("/") { return "it is absolute" }
        let strange = path.unicodeScalars.first { isUnseen($0) || $0 == "\\" || $0 == ":" }
        if strange != nil { return "it has a control character, a backslash or a colon" }
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            if part.isEmpty { return "a part of it is empty" }
            if part == "." || part == ".." { return "it leads elsewhere" }
            if part.utf8.count > 255 { return "a part of it is longer than 255 bytes" }
            if part.hasSuffix(".") || part.hasSuffix(" ") {
                return "a part of it ends with a dot or a space, which Windows drops"
            }
            // Some file systems take a name without the characters in it that have no width (git, CVE-2014-9390).
            let seen = part.unicodeScalars.filter { $0.properties.generalCategory != .format }
            let plain = String(String.UnicodeScalarView(seen)).lowercased()
            if plain == ".git" || plain == "git~1" { return "\".git\" belongs to git" }
        }
        return nil
    }

    /// Two paths that cannot both be there where upper and lower case are the same, or where a file would be a folder.
    package static func clash(in paths: some Collection<String>) -> (String, String)? {
        var files: [String: String] = [:]
        for path in paths.sorted() {
            if let other = files.updateValue(path, forKey: path.lowercased()) { return (other, path) }
        }
        var folders: [String: String] = [:]
        for path in paths.sorted() {
            var folder = path
            while let slash = folder.lastIndex(of: "/") {
                folder = String(folder[..<slash])
                if let file = files[folder.lowercased()] { return (file, path) }
                let earlier = folders.updateValue(folder, forKey: folder.lowercased())
                if let earlier, earlier != folder { return (earlier, folder) }
            }
        }
        return nil
    }

    /// Whether a character does something to the terminal or to the order of its neighbours instead of being seen:
    /// controls, ends of lines, and the directions of writing (Unicode, annex 9).
    package static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
        }
    }

    /// A path for a message: what could move the cursor is left out.
    static func shown(_ path: String) -> String {
        let plain = String(String.UnicodeScalarView(path.unicodeScalars.filter { !isUnseen($0) }))
        return plain.count > 80 ? "\(plain.prefix(80))…" : plain
    }
}
