// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Files
package import SystemPackage
import YAML

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
    /// What was taken for granted where there is no `wasme.yaml`, for people; nil for a project that has one.
    package let assumption: String?

    package var isDerived: Bool { assumption != nil }

    /// The file that makes a folder a project.
    package static let manifestName = "wasme.yaml"

    /// Reads the project in a folder.
    package init(root: FilePath) throws {
        self.root = root
        assumption = nil
        let file = root.appending(Self.manifestName)
        let bytes = try Files.read(file, limit: YAMLNode.maximumSize)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ProjectError(.malformed, "\"\(file)\" is not UTF-8")
        }
        manifest = try ProjectManifest(parsing: text, file: file.string)
    }

    /// A project that has no `wasme.yaml`, of which this is known.
    init(root: FilePath, manifest: ProjectManifest, assumption: String) {
        self.root = root
        self.manifest = manifest
        self.assumption = assumption
    }

    /// Finds the project that a folder belongs to: its own, or that of the nearest folder above; without a `wasme.yaml`
    /// in any of them, the one that the folder's own files make it.
    /// - Parameters:
    ///   - folder: an absolute path.
    ///   - language: the language that the user named; it must be the manifest's, if there is one.
    /// - Returns: the nearest project.
    /// - Throws: `ProjectError` if there is none, or its manifest is malformed.
    package static func find(from folder: FilePath, language: String? = nil) throws -> FilterProject {
        let start = folder.lexicallyNormalized()
        guard Files.kind(start) == .directory else {
            throw ProjectError(
                .noProject, "there is no folder \"\(folder)\"", hint: "name the folder of a filter's sources")
        }
        var candidate = start
        var original: FilePath?
        while true {
            if Files.kind(candidate.appending(manifestName)) == .file {
                let project = try FilterProject(root: candidate)
                guard language == nil || language == project.manifest.language else {
                    throw ProjectError(
                        .malformed,
                        "\(quoted(language ?? "")) is not the language of \"\(candidate)\": its \(manifestName) says \(project.manifest.language)",
                        hint: "leave the language out, or change it there")
                }
                return project
            }
            if original == nil, OriginalProject.isThere(in: candidate) { original = candidate }
            guard candidate.removeLastComponent() else { break }
        }
        do {
            return try derived(in: start, language: language)
        } catch let error as ProjectError where error.code == .noProject {
            guard let original else { throw error }
            throw ProjectError(
                .noProject, error.message,
                hint:
                    "\"\(original)\" is a project of the original wasme: run 'wasme init --from-wasme \(original)'"
            )
        }
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
