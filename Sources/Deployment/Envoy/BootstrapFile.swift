// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// A bootstrap of somebody's own, changed in place: whole or not at all, with what was there before beside it.
package struct BootstrapFile: Sendable {
    /// As it was named; it may be a link.
    package let path: FilePath
    package let text: String

    /// At most so many bytes are read.
    package static let maximumSize = 64 << 20

    /// Reads a bootstrap.
    /// - Throws: `SystemError`; `DeploymentError` if it is not text.
    package init(reading path: FilePath) throws {
        self.path = path
        guard
            let text = String(validating: try Files.read(path, limit: Self.maximumSize), as: UTF8.self)
        else { throw Self.noText("\(path)") }
        self.text = text
    }

    /// That a file, or what was piped, holds bytes and no text.
    package static func noText(_ name: String) -> DeploymentError {
        DeploymentError(
            .unreadable, "\"\(name)\" is not UTF-8 text", hint: "name a bootstrap in YAML or JSON")
    }

    /// Makes sure that it could be replaced, before anything else is changed for it.
    /// - Throws: `SystemError` with what is in the way.
    package func requireWritable() throws {
        let file = try realPath()
        for place in [file, file.removingLastComponent()] where access(place.string, W_OK) != 0 {
            throw SystemError("write", place.string, errno: errno)
        }
    }

    /// Replaces it, behind a link if it is one; owner and permissions stay.
    /// - Returns: where the old content is now, beside the file: `.bak`, or `.bak.1` and so on if there is one already.
    /// - Throws: `SystemError`; then nothing has changed.
    package func replace(with new: String) throws -> FilePath {
        let file = try realPath()
        let backup = try keep(file)
        do {
            try DeploymentPlan(summary: "", files: [.init(file, text: new)]).write(to: .apply)
        } catch {
            unlink(backup.string)
            throw error
        }
        return backup
    }

    private func realPath() throws -> FilePath {
        guard let real = realpath(path.string, nil) else {
            throw SystemError("open", path.string, errno: errno)
        }
        defer { free(real) }
        return FilePath(String(cString: real))
    }

    /// Gives the file a second name, which keeps all of it when the first one goes to something else.
    private func keep(_ file: FilePath) throws -> FilePath {
        var number = 0
        while true {
            let backup = FilePath("\(file).bak" + (number == 0 ? "" : ".\(number)"))
            if link(file.string, backup.string) == 0 { return backup }
            switch errno {
            case EEXIST: number += 1
            case EPERM, ENOTSUP, EMLINK:
                // A file system without second names.
                try copy(file, to: backup)
                return backup
            default: throw SystemError("write", backup.string, errno: errno)
            }
        }
    }

    private func copy(_ file: FilePath, to backup: FilePath) throws {
        var status = stat()
        guard stat(file.string, &status) == 0 else { throw SystemError("read", file.string, errno: errno) }
        let sink = try FileSink(backup, permissions: .ownerReadWrite)
        try Array(text.utf8).withUnsafeBytes { try sink.write($0) }
        try sink.finish()
        _ = chown(backup.string, status.st_uid, status.st_gid)
        _ = chmod(backup.string, status.st_mode & 0o7777)
    }
}
