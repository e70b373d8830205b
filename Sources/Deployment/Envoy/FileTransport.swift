// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import OCI
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Files that running Envoys watch: those of a slot.
package struct FileTransport: EnvoyTransport {
    private let slot: SlotFolder
    /// Whether the module goes into the resource, for Envoys that do not see the slot's other files.
    private let isInline: Bool

    package init(_ slot: SlotFolder, isInline: Bool = false) {
        self.slot = slot
        self.isInline = isInline
    }

    package var name: String { slot.path.string }

    /// Where a module lies, by the SHA-256 of its content in hexadecimal digits.
    package func file(ofModule hex: String) -> FilePath { slot.modulesFolder.appending("\(hex).wasm") }

    package func offer(_ module: [UInt8]) throws -> EnvoyPlugin.Code {
        let hex = Digest(of: module).hex
        let file = file(ofModule: hex)
        // Also for a module that goes into the resource: what was there before must be there to go back to.
        if try !isWhole(file, hex, size: module.count) {
            try Files.createDirectory(slot.modulesFolder, permissions: SlotFolder.enterable)
            try Files.replace(file, with: module, permissions: SlotFolder.readable)
        } else if let permissions = Files.permissions(file),
            !permissions.isSuperset(of: [.ownerRead, .groupRead, .otherRead])
        {
            try Files.setPermissions(SlotFolder.readable, of: file)
        }
        return isInline ? .inline(module) : .file(slot.seen(file))
    }

    /// Whether a file holds what its name says; one that somebody has damaged is written anew.
    private func isWhole(_ file: FilePath, _ hex: String, size: Int) throws -> Bool {
        guard Files.size(file) == Int64(size) else { return false }
        return Digest(of: try Files.read(file, limit: size)).hex == hex
    }

    package func resource(at place: EnvoySlot) throws -> [UInt8]? {
        guard let kind = Files.kind(place.file) else { return nil }
        guard kind == .file else {
            throw DeploymentError(
                .damaged,
                "\"\(place.file)\" is \(kind == .directory ? "a folder" : "no plain file"), and envoy is to find a resource there",
                hint: "remove it, and deploy again what stood there")
        }
        return try Files.read(place.file, limit: 1 << 30)
    }

    package func deliver(_ resource: [UInt8], to place: EnvoySlot) throws {
        // Envoy sees nothing but another file under this name in this folder: a link is replaced, not followed.
        let file = place.file
        var existing = stat()
        let exists = stat(file.string, &existing) == 0
        let draft = file.removingLastComponent().appending(
            ".\(file.lastComponent?.string ?? "")-\(Files.randomName())")
        let sink = try FileSink(draft)
        try resource.withUnsafeBytes { try sink.write($0) }
        try sink.finish()
        do {
            if exists {
                try keepOwner(existing, of: draft, file)
                try Files.setPermissions(FilePermissions(rawValue: existing.st_mode & 0o7777), of: draft)
            } else {
                try Files.setPermissions(SlotFolder.readable, of: draft)
            }
            try Files.rename(draft, to: file)
        } catch {
            unlink(draft.string)
            throw error
        }
    }

    /// Gives a new file the owner and the group of the one that it replaces.
    ///
    /// Only root can give a file away; who cannot becomes its owner, as with any editor, unless nobody else could read it
    /// then.
    private func keepOwner(_ existing: stat, of draft: FilePath, _ file: FilePath) throws {
        guard chown(draft.string, existing.st_uid, existing.st_gid) != 0 else { return }
        let keepsGroup = chown(draft.string, uid_t.max, existing.st_gid) == 0
        let isReadable = existing.st_mode & S_IROTH != 0 || keepsGroup && existing.st_mode & S_IRGRP != 0
        guard isReadable else {
            throw DeploymentError(
                .invalid,
                "\"\(file)\" is for its owner and group alone, to whom you cannot give another file: envoy might not read it any longer",
                hint: "deploy as root or as one of that group, or let all read the file")
        }
    }

    package func withdraw(_ modules: [EnvoyPlugin.Code]) throws {
        for case .file(let seen) in modules {
            guard let name = seen.lastComponent?.string else { continue }
            try Files.remove(slot.modulesFolder.appending(name))
        }
    }
}
