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

/// Where a plan goes.
package enum PlanSink: Sendable {
    /// To its own paths.
    case apply
    /// Below a folder, each file at its own path there.
    case directory(FilePath)
    /// Onto the standard output or into any other text.
    case text(@Sendable (String) throws -> Void)
}

/// What became of one file of a plan.
package struct WrittenFile: Hashable, Sendable {
    /// What was done, or would be.
    package enum Change: String, Hashable, Sendable {
        case created
        case changed
        case unchanged
        case removed
    }

    package let path: FilePath
    package let change: Change
}

extension DeploymentPlan {
    /// What carrying it out would do to this machine.
    package func changes() throws -> [WrittenFile] {
        try files.map { WrittenFile(path: $0.path, change: try Self.change($0, at: $0.path)) }
    }

    /// Carries the plan out, file by file, each whole or not at all.
    /// - Parameter sink: where to.
    /// - Returns: what became of each file; nothing for a text.
    /// - Throws: `SystemError`; the files before the one that failed are written, and nothing refers to them yet.
    @discardableResult
    package func write(to sink: PlanSink) throws -> [WrittenFile] {
        switch sink {
        case .apply: return try files.map { try Self.write($0, to: $0.path) }
        case .directory(let folder):
            return try files.map { file in
                // Without its root, and without any "..", a path cannot lead out of the folder.
                let inside = file.path.lexicallyNormalized().removingRoot()
                return try Self.write(file, to: folder.pushing(inside))
            }
        case .text(let print):
            for file in files where file.isText {
                if files.count(where: \.isText) > 1 { try print("# \(file.path)\n") }
                try print(String(decoding: file.bytes, as: UTF8.self))
            }
            return []
        }
    }

    private static func change(_ file: File, at path: FilePath) throws -> WrittenFile.Change {
        guard Files.kind(path) != nil else { return .created }
        // A file of another length need not be read, and a module can be large.
        return try FileSource(path).length == Int64(file.bytes.count)
            && Files.read(path, limit: file.bytes.count) == file.bytes ? .unchanged : .changed
    }

    private static func write(_ file: File, to path: FilePath) throws -> WrittenFile {
        let change = try change(file, at: path)
        if change != .unchanged { try replace(path, with: file.bytes) }
        return WrittenFile(path: path, change: change)
    }

    /// Replaces a file whole, behind a link if it is one, and keeps its owner and its permissions.
    private static func replace(_ path: FilePath, with bytes: [UInt8]) throws {
        var target = path
        var existing: stat?
        if let real = realpath(path.string, nil) {
            defer { free(real) }
            target = FilePath(String(cString: real))
            var status = stat()
            guard stat(target.string, &status) == 0 else {
                throw SystemError("read", target.string, errno: errno)
            }
            existing = status
        } else {
            try Files.createDirectory(target.removingLastComponent())
        }
        let temporary = target.removingLastComponent().appending(
            ".\(target.lastComponent?.string ?? "")-\(Files.randomName())")
        // A configuration may hold secrets: nobody else may read it before it has its permissions.
        let mode: FilePermissions =
            existing == nil ? [.ownerReadWrite, .groupRead, .otherRead] : .ownerReadWrite
        let sink = try FileSink(temporary, permissions: mode)
        try bytes.withUnsafeBytes { try sink.write($0) }
        try sink.finish()
        do {
            if let existing {
                // Only root can give a file away; who cannot becomes its owner, as with any editor.
                _ = chown(temporary.string, existing.st_uid, existing.st_gid)
                guard chmod(temporary.string, existing.st_mode & 0o7777) == 0 else {
                    throw SystemError("write", temporary.string, errno: errno)
                }
            }
            try Files.rename(temporary, to: target)
        } catch {
            unlink(temporary.string)
            throw error
        }
    }
}
