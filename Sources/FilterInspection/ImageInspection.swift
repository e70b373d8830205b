// SPDX-License-Identifier: Apache-2.0

import Archive
package import HostProfiles
package import OCI
import WasmBinary

/// What was found in an image, and how much of it was read for that.
package struct ImageInspection: Sendable {
    /// How much of the module was read.
    package enum Extent: String, Hashable, Sendable, Encodable {
        /// All of it, held against the layer's digest.
        case whole
        /// What stands before the code; nothing was held against a digest but the manifest.
        case declarations
        /// All but code and data; nothing was held against a digest but the manifest.
        case sections
        /// Nothing: there is none, or it cannot be read.
        case none
    }

    /// The image's manifest.
    package let document: ManifestDocument
    /// The index that leads to it, if the reference names one.
    package let index: ManifestDocument?
    package fileprivate(set) var module = CheckSubject.Module.missing
    /// Bytes of the module's file, if it is known.
    package fileprivate(set) var moduleSize: Int64?
    /// The paths in the layer of the module, as far as it was read.
    package fileprivate(set) var files: [String]?
    /// Why that layer cannot be unpacked.
    package fileprivate(set) var layerProblem: String?
    package fileprivate(set) var extent = Extent.none
    /// Bytes of blobs that were read.
    package fileprivate(set) var bytesRead: Int64 = 0

    /// What is to be held against hosts.
    package var subject: CheckSubject {
        CheckSubject(
            module,
            image: ImageFacts(document, lastLayerFiles: files, moduleSize: moduleSize),
            index: index.map { ImageFacts($0) }, layerProblem: layerProblem)
    }
}

extension ImageInspection {
    /// Layers up to this size are read as a whole, and held against their digest, wherever they are.
    static let smallLayer: Int64 = 256 << 10
    /// Compressed bytes after which the module must have shown its declarations.
    static let largestBeginning = 64 << 20
    /// Bytes of the largest module: what istio-agent takes (ISTIO_WASM_MAX_BINARY_SIZE_BYTES).
    static let largestModule = 256 << 20

    /// Looks into an image for its module, and reads no more than that takes.
    ///
    /// A module at hand is read whole. Over a network, one that lies in its layer as it is comes in ranges without its code
    /// and data; of one in a compressed layer comes the beginning, up to its code.
    /// - Parameters:
    ///   - document: what the reference names, an image or an index.
    ///   - blobs: where the rest can be had.
    /// - Returns: what was found; a broken module or layer is part of that, not an error.
    /// - Throws: what `blobs` throws.
    package static func read(
        _ document: ManifestDocument, from blobs: some BlobAccess
    ) async throws -> ImageInspection {
        var inspection: ImageInspection
        switch document.content {
        case .manifest: inspection = ImageInspection(document: document, index: nil)
        case .index(let index):
            guard let child = chosen(index) else { return ImageInspection(document: document, index: nil) }
            inspection = ImageInspection(document: try await blobs.manifest(child), index: document)
        }
        guard case .manifest(let manifest) = inspection.document.content else { return inspection }
        if let layer = manifest.layers.last(where: { $0.mediaType.isRawModule }) {
            try await inspection.readModule(layer, blobs)
        } else if let layer = manifest.layers.last(where: { $0.mediaType.isTar }) {
            try await inspection.readArchive(layer, blobs)
        }
        return inspection
    }

    /// The image that fetchers take out of an index: that for linux/amd64, or one without a platform.
    package static func chosen(_ index: Index) -> Descriptor? {
        let images = index.manifests.filter { !MediaType.indexes.contains($0.mediaType) }
        return images.first { $0.platform.map { $0.os == "linux" && $0.architecture == "amd64" } ?? true }
            ?? images.first
    }

    // MARK: - A module as it is

    private mutating func readModule(_ layer: Descriptor, _ blobs: some BlobAccess) async throws {
        moduleSize = layer.size
        do {
            if blobs.isRemote, layer.size > Self.smallLayer, try await readParts(layer, blobs) { return }
            let beginning = Beginning(limit: Self.largestModule)
            try await blobs.stream(layer, into: beginning)
            bytesRead = layer.size
            extent = .whole
            module = .whole(try WasmModule(beginning.bytes))
        } catch let error as WasmBinaryError {
            module = .unreadable(error)
        } catch ByteStreamError.tooLong {
            layerProblem = "the module has \(layer.size) bytes; at most \(Self.largestModule) are read"
        }
    }

    /// Reads a module by its sections.
    /// - Returns: false if the blob is given as a whole only.
    private mutating func readParts(_ layer: Descriptor, _ blobs: some BlobAccess) async throws -> Bool {
        var walk = try SectionWalk(size: Int(layer.size))
        while let range = walk.needed {
            let part = try await blobs.part(layer, Int64(range.lowerBound)..<Int64(range.upperBound))
            guard let part else { return try await readPassing(layer, blobs) }
            bytesRead += Int64(part.count)
            try walk.take(part)
        }
        extent = .sections
        module = .whole(try walk.finish())
        return true
    }

    /// Reads a module's declarations from a stream that can only be broken off.
    private mutating func readPassing(_ layer: Descriptor, _ blobs: some BlobAccess) async throws -> Bool {
        let passing = Passing(try ModuleStream(size: Int(layer.size), .declarations))
        do {
            try await blobs.stream(layer, into: passing)
        } catch is ModuleStream.Done {
            // As intended.
        }
        bytesRead += passing.count
        extent = .declarations
        module = .declarations(try passing.module.finish())
        return true
    }

    // MARK: - A module in an archive

    private mutating func readArchive(_ layer: Descriptor, _ blobs: some BlobAccess) async throws {
        let isPartial = blobs.isRemote && layer.size > Self.smallLayer
        let beginning = Beginning(limit: isPartial ? Self.largestBeginning : Self.largestModule)
        var unpacking = Unpacking(name: "layer \(layer.digest)", type: layer.mediaType)
        // After each quadrupling of what is here, see whether it is enough.
        var enough = 64 << 10
        beginning.isEnough = { bytes in
            guard isPartial, bytes.count >= enough else { return false }
            enough = bytes.count * 4
            return unpacking.tryDeclarations(bytes)
        }
        do {
            try await blobs.stream(layer, into: beginning)
            if unpacking.result == nil {
                unpacking.unpack(beginning.bytes, isWhole: true, isPartial: isPartial)
            }
        } catch is Beginning.Enough {
            // As intended.
        } catch ByteStreamError.tooLong {
            layerProblem =
                "the layer shows no declarations of a module within its first \(beginning.bytes.count) bytes; 'wasme pull' it to check all of it"
        }
        bytesRead = Int64(beginning.bytes.count)
        moduleSize = unpacking.moduleSize
        files = unpacking.files
        layerProblem = layerProblem ?? unpacking.problem
        if let result = unpacking.result {
            module = result
            switch result {
            case .whole: extent = .whole
            case .declarations: extent = .declarations
            case .unreadable, .missing: extent = .none
            }
        }
    }
}

/// Keeps the beginning of a stream, and ends the transfer when that is enough; used by one transfer at a time.
private final class Beginning: ByteSink, @unchecked Sendable {
    struct Enough: Error {}

    private(set) var bytes: [UInt8] = []
    var isEnough: ([UInt8]) -> Bool = { _ in false }
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func write(_ chunk: UnsafeRawBufferPointer) throws {
        guard chunk.count <= limit - bytes.count else { throw ByteStreamError.tooLong(limit: Int64(limit)) }
        bytes.append(contentsOf: chunk)
        if isEnough(bytes) { throw Enough() }
    }
}

/// Counts what a module is read from; used by one transfer at a time.
private final class Passing: ByteSink, @unchecked Sendable {
    let module: ModuleStream
    private(set) var count: Int64 = 0

    init(_ module: ModuleStream) { self.module = module }

    func write(_ chunk: UnsafeRawBufferPointer) throws {
        count += Int64(chunk.count)
        try module.write(chunk)
    }
}

/// The file `plugin.wasm` of an archive, or what is in its way.
private struct Unpacking {
    let name: String
    let type: MediaType
    private(set) var result: CheckSubject.Module?
    private(set) var problem: String?
    private(set) var files: [String]?
    private(set) var moduleSize: Int64?

    init(name: String, type: MediaType) {
        self.name = name
        self.type = type
    }

    /// Looks for the declarations in the beginning of an archive.
    /// - Returns: whether nothing more is needed.
    mutating func tryDeclarations(_ bytes: [UInt8]) -> Bool {
        unpack(bytes, isWhole: false, isPartial: true)
        return result != nil || problem != nil
    }

    /// Looks for the module in an archive, or in as much of it as is here.
    mutating func unpack(_ bytes: [UInt8], isWhole: Bool, isPartial: Bool) {
        if type.isGzip, !bytes.starts(with: [0x1f, 0x8b]) {
            problem =
                "\(name) is called \"\(type)\" and is not compressed with gzip: it is \(FileKind(bytes))"
            return
        }
        var paths: [String] = []
        var stream: ModuleStream?
        var sink: MemorySink?
        var size: Int64?
        let source = BeginningSource(bytes, isWhole: isWhole)
        do {
            defer {
                files = paths
                moduleSize = size
            }
            do {
                try TarReader().read(source, name: name) { path, length in
                    paths.append(path)
                    // As the hosts do, a file counts by its last component.
                    guard path.split(separator: "/").last == "plugin.wasm" else { return nil }
                    size = length
                    if isPartial {
                        let module = try ModuleStream(size: Int(length), .declarations)
                        stream = module
                        return module
                    }
                    let whole = MemorySink(limit: ImageInspection.largestModule)
                    sink = whole
                    return whole
                }
            } catch is ModuleStream.Done {
                // As intended.
            }
            if let stream {
                result = .declarations(try stream.finish())
            } else if let sink {
                result = .whole(try WasmModule(sink.bytes))
            }
        } catch is BeginningSource.End {
            return
        } catch let error as WasmBinaryError {
            result = .unreadable(error)
        } catch {
            problem = "\(error)"
        }
    }
}

/// The beginning of an archive as a source; whoever reads on past it is told.
private final class BeginningSource: ByteSource {
    struct End: Error {}

    private let memory: MemorySource
    private let isWhole: Bool

    init(_ bytes: [UInt8], isWhole: Bool) {
        memory = MemorySource(bytes)
        self.isWhole = isWhole
    }

    var length: Int64 { memory.length }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try memory.read(into: buffer)
        if count == 0, !isWhole { throw End() }
        return count
    }

    func seek(to offset: Int64) throws { try memory.seek(to: offset) }
}
