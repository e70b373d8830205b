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

extension Scaffold {
    /// Writes the project: all of it or nothing.
    /// - Parameters:
    ///   - folder: where to; made if it is not there. One that holds more than a Git repository is refused.
    ///   - force: write into a folder that holds something; only files of the template are replaced, none is removed.
    /// - Returns: the files written, by their paths in the folder.
    /// - Throws: `ProjectError`, or `SystemError` if the disk refuses.
    @discardableResult
    package func write(to folder: FilePath, force: Bool = false) throws -> [String] {
        try Self.check(folder, force: force)
        if Files.kind(folder) == nil {
            try writeNew(folder)
        } else {
            try refuseClashes(in: folder)
            try writeInto(folder)
        }
        return files.map(\.path)
    }

    /// Refuses a folder that `write` would refuse whatever the files are.
    package static func check(_ folder: FilePath, force: Bool = false) throws {
        switch Files.kind(folder) {
        case nil:
            var above = folder.removingLastComponent()
            while Files.kind(above) == nil, above.removeLastComponent() {}
            guard Files.kind(above) == .directory else {
                throw ProjectError(
                    .folderNotEmpty, "\"\(folder)\" cannot be a folder: \"\(above)\" is a file",
                    hint: "name a folder that is not there yet")
            }
        case .directory: if !force { try refuseContents(of: folder) }
        case .file, .other:
            throw ProjectError(
                .folderNotEmpty, "\"\(folder)\" is not a folder", hint: "name a folder that is not there yet")
        }
    }

    /// Everything is written beside the final place, which then appears at once.
    private func writeNew(_ folder: FilePath) throws {
        let parent = folder.removingLastComponent()
        try Files.createDirectory(parent)
        let staging = parent.appending(".wasme-init-\(Files.randomName())")
        do {
            try stage(in: staging)
            try Files.rename(staging, to: folder)
        } catch {
            try? Files.remove(staging)
            throw error
        }
    }

    /// Everything is written to a folder inside the final one, then moved file by file: moves need no space, so what
    /// could fail has failed before the first one.
    private func writeInto(_ folder: FilePath) throws {
        let staging = folder.appending(".wasme-init-\(Files.randomName())")
        var made: [FilePath] = []
        do {
            try stage(in: staging)
            for file in files {
                let place = folder.pushing(FilePath(file.path))
                made += try createDirectories(for: file.path, in: folder)
                if Files.kind(place) == nil { made.append(place) }
                try Files.rename(staging.pushing(FilePath(file.path)), to: place)
            }
            try Files.remove(staging)
        } catch {
            // Only what was made here goes; latest first, so that folders are empty when their turn comes.
            for path in made.reversed() { try? Files.remove(path) }
            try? Files.remove(staging)
            throw error
        }
    }

    private func stage(in folder: FilePath) throws {
        do {
            try Files.createDirectory(folder)
        } catch let error as SystemError {
            // The folder that people know is the one above, or the one that this one becomes.
            throw SystemError("write to", folder.removingLastComponent().string, errno: error.errno)
        }
        for file in files {
            let place = folder.pushing(FilePath(file.path))
            try Files.createDirectory(place.removingLastComponent())
            // Not brought to the disk one by one: after a crash one runs the command again.
            let descriptor = try attempt("create", place) {
                try FileDescriptor.open(
                    place, .writeOnly, options: [.create, .exclusiveCreate],
                    permissions: file.isExecutable
                        ? [.ownerReadWriteExecute, .groupReadWriteExecute, .otherReadWriteExecute]
                        : [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
            }
            defer { try? descriptor.close() }
            _ = try attempt("write", place) { try descriptor.writeAll(file.bytes) }
        }
    }

    /// Makes the folders above a file of the project.
    /// - Returns: those that were not there, outermost first.
    private func createDirectories(for path: String, in folder: FilePath) throws -> [FilePath] {
        var made: [FilePath] = []
        var current = folder
        for component in FilePath(path).removingLastComponent().components {
            current.append(component)
            guard Files.kind(current) == nil else { continue }
            try Files.createDirectory(current)
            made.append(current)
        }
        return made
    }

    private static func refuseContents(of folder: FilePath) throws {
        // A repository that was just made is a usual start.
        let contents = try Files.contents(folder).filter { $0 != ".git" }
        guard let first = contents.first else { return }
        let more = contents.count > 1 ? " and \(contents.count - 1) more" : ""
        throw ProjectError(
            .folderNotEmpty, "the folder \"\(folder)\" is not empty: it holds \"\(first)\"\(more)",
            hint:
                "name a new folder, or use --force to write into it; only files of the template are replaced")
    }

    private func refuseClashes(in folder: FilePath) throws {
        for file in files {
            let path = FilePath(file.path)
            var current = folder
            for component in path.removingLastComponent().components {
                current.append(component)
                guard let kind = Files.kind(current) else { continue }
                guard kind == .directory else { throw clash(current, "where the template has a folder") }
                // What is written belongs in the project, wherever a link of it leads.
                guard let real = realpath(current.string, nil), let root = realpath(folder.string, nil) else {
                    throw SystemError("read", current.string, errno: errno)
                }
                defer {
                    free(real)
                    free(root)
                }
                guard FilePath(String(cString: real)).starts(with: FilePath(String(cString: root))) else {
                    throw clash(current, "a link out of the folder, where the template has a folder")
                }
            }
            if let kind = Files.kind(folder.pushing(path)), kind != .file {
                throw clash(folder.pushing(path), "where the template has a file")
            }
        }
    }

    private func clash(_ path: FilePath, _ reason: String) -> ProjectError {
        ProjectError(
            .folderNotEmpty, "\"\(path)\" is \(reason)", hint: "move it away, or name another folder")
    }
}
