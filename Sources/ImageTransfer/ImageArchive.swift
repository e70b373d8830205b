// SPDX-License-Identifier: Apache-2.0

private import Archive
private import Diagnostics
private import Files
package import OCI
import OCIRegistry
package import SystemPackage

/// An OCI image layout in a tar file, read where it is; one that is compressed is unpacked beside first.
package final class ImageArchive: BlobAccess {
    /// Most bytes that come out of one byte of a compressed archive: what images are made of is compressed already.
    private static let largestRatio: Int64 = 100

    private let path: FilePath
    private let title: String
    private let tar: TarIndex
    /// The unpacked archive, removed with this value.
    private let temporary: FilePath?
    /// The images in it.
    package let index: LayoutIndex

    /// Opens an archive.
    /// - Parameters:
    ///   - path: the file; a pipe will do.
    ///   - scratch: a folder for what cannot be read in place.
    /// - Throws: `TransferError`, `ArchiveError` or `SystemError`.
    package init(_ path: FilePath, scratch: FilePath) throws {
        let title = path == "/dev/stdin" ? "the archive on standard input" : "archive \"\(path)\""
        self.title = title
        var plain = path
        var temporary: FilePath?
        do {
            if try Self.needsCopy(path) {
                plain = scratch.appending("wasme-archive-\(Files.randomName())")
                try Self.unpack(path, to: plain, title)
                temporary = plain
            }
            let tar = try TarIndex(FileSource(plain), name: title)
            func file(_ name: String) throws -> [UInt8]? {
                switch tar.entries[name] {
                case .file(let range)?:
                    guard range.count <= ManifestDocument.maximumSize else {
                        throw TransferError(
                            "\(name) of \(title) has \(range.count) bytes, more than \(ManifestDocument.maximumSize)"
                        )
                    }
                    let sink = MemorySink(limit: ManifestDocument.maximumSize)
                    try copy(SliceSource(of: FileSource(plain), range), to: sink)
                    return sink.bytes
                case .other(let kind)?: throw TransferError("\(name) of \(title) is \(kind)")
                case nil: return nil
                }
            }
            index = try LayoutIndex(
                index: file("index.json"), marker: file("oci-layout"), title: title,
                hasDockerManifest: tar.entries["manifest.json"] != nil)
            self.tar = tar
        } catch {
            if let temporary { try? Files.remove(temporary) }
            throw error
        }
        self.path = plain
        self.temporary = temporary
    }

    deinit { if let temporary { try? Files.remove(temporary) } }

    /// Whether a file cannot be read at any place, or is compressed.
    private static func needsCopy(_ path: FilePath) throws -> Bool {
        switch Files.kind(path) {
        case .file?: return Decompressor.isCompressed(try FileSource(path).beginning())
        case .directory?:
            throw TransferError(
                "\"\(path)\" is a folder, not an archive", hint: "write oci:\(path) for an image layout")
        default: return true
        }
    }

    private static func unpack(_ path: FilePath, to plain: FilePath, _ title: String) throws {
        let source = try PipeSource(path)
        let sink = try FileSink(plain, permissions: .ownerReadWrite)
        var limit = Int64.max
        if Files.kind(path) == .file {
            limit =
                (64 << 20)
                + (try FileSource(path).length).multipliedReportingOverflow(by: largestRatio).partialValue
        }
        try Decompressor.unpack(source, to: sink, limit: limit, name: title)
        try sink.finish()
    }

    // MARK: - BlobAccess

    package var isRemote: Bool { false }

    package func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument {
        guard descriptor.size <= ManifestDocument.maximumSize else {
            throw TransferError(
                "manifest \(descriptor.digest) in \(title) has \(descriptor.size) bytes, more than \(ManifestDocument.maximumSize)"
            )
        }
        do {
            return try ManifestDocument(
                bytes: try await read(descriptor, limit: ManifestDocument.maximumSize),
                mediaType: descriptor.mediaType, algorithm: descriptor.digest.algorithm)
        } catch let error as ManifestError {
            throw TransferError("manifest \(descriptor.digest) in \(title) is damaged: \(error)")
        }
    }

    package func stream(
        _ blob: Descriptor, into sink: any ByteSink, after beginning: (any ByteSource)?
    ) async throws {
        let source = try open(blob)
        let verifier = VerifyingSink(blob, into: sink)
        if let beginning {
            try verifier.replay(beginning)
            try source.seek(to: beginning.length)
        }
        try copy(source, to: verifier)
        do {
            try verifier.finish()
        } catch let error as ByteStreamError {
            throw TransferError("blob \(blob.digest) in \(title) is damaged: \(error)")
        }
    }

    package func referrers(of digest: Digest) async throws -> [Descriptor] {
        var found: [Descriptor] = []
        for entry in index.entries where entry.isArtifact {
            let document = try await manifest(entry.descriptor)
            if case .manifest(let manifest) = document.content, manifest.subject?.digest == digest {
                found.append(entry.descriptor)
            }
        }
        return found
    }

    package func openLocally(_ blob: Descriptor) throws -> (any ByteSource)? { try open(blob) }

    private func open(_ blob: Descriptor) throws -> any ByteSource {
        switch tar.entries["blobs/\(blob.digest.algorithm.rawValue)/\(blob.digest.hex)"] {
        case .file(let range)?:
            guard range.count == blob.size else {
                throw TransferError(
                    "blob \(blob.digest) in \(title) has \(range.count) bytes, expected \(blob.size)")
            }
            return try SliceSource(of: FileSource(path), range)
        case .other(let kind)?: throw TransferError("blob \(blob.digest) in \(title) is \(kind), not a file")
        case nil: throw TransferError("blob \(blob.digest) is missing in \(title)")
        }
    }
}

extension FileSource {
    /// The first bytes, as many as tell what it is.
    fileprivate func beginning() throws -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
        defer { buffer.deallocate() }
        return Array(UnsafeRawBufferPointer(rebasing: buffer[..<(try read(into: buffer))]))
    }
}
