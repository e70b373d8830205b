// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Files
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// A folder with a `wasme.yaml`: the sources of one filter.
package struct FilterProject: Sendable {
    /// The project's folder, absolute.
    package let root: FilePath
    package let manifest: ProjectManifest

    /// The file that makes a folder a project.
    package static let manifestName = "wasme.yaml"

    /// Reads the project in a folder.
    package init(root: FilePath) throws {
        self.root = root
        let file = root.appending(Self.manifestName)
        let bytes = try Files.read(file, limit: YAMLNode.maximumSize)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ProjectError(.malformed, "\"\(file)\" is not UTF-8")
        }
        manifest = try ProjectManifest(parsing: text, file: file.string)
    }

    /// Finds the project that a folder belongs to: its own, or that of the nearest folder above.
    /// - Parameter folder: an absolute path.
    /// - Returns: the nearest project.
    /// - Throws: `ProjectError` if there is none, or its manifest is malformed.
    package static func find(from folder: FilePath) throws -> FilterProject {
        let start = folder.lexicallyNormalized()
        guard Files.kind(start) == .directory else {
            throw ProjectError(
                .noProject, "there is no folder \"\(folder)\"", hint: "name the folder of a filter's sources")
        }
        var candidate = start
        while true {
            if Files.kind(candidate.appending(manifestName)) == .file {
                return try FilterProject(root: candidate)
            }
            guard candidate.removeLastComponent() else { break }
        }
        throw ProjectError(
            .noProject, "there is no \(manifestName) in \"\(start)\" or a folder above it",
            hint: "run 'wasme init' to start a project here, or name the folder of one")
    }

    /// A file of the project by its relative path; an error if links lead it out of the project.
    func path(_ relative: String) throws -> FilePath {
        try confined(root.pushing(FilePath(relative)).lexicallyNormalized())
    }

    /// A path that is in the project also when its links are followed.
    func confined(_ path: FilePath) throws -> FilePath {
        guard let real = realpath(path.string, nil), let realRoot = realpath(root.string, nil) else {
            throw SystemError("read", path.string, errno: errno)
        }
        defer {
            free(real)
            free(realRoot)
        }
        guard FilePath(String(cString: real)).starts(with: FilePath(String(cString: realRoot))) else {
            throw ProjectError(
                .malformed, "\"\(path)\" leads out of the project, to \"\(String(cString: real))\"",
                hint: "only files of the project go into an image; copy it into the project")
        }
        return path
    }
}
