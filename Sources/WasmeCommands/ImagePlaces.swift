// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import ImageTransfer
import OCI
import OCILayout
import OCIRegistry
import Synchronization
import SystemPackage

/// An image that a command looks at or copies, wherever it is.
struct FoundImage {
    /// As the user wrote it.
    let name: String
    /// What it is called, spelt out with a tag; nil for one that has no name.
    let fullName: String?
    let document: ManifestDocument
    let blobs: any BlobAccess

    /// The reference that the user wrote, if it is one.
    let reference: Reference?
}

/// The places where images can be, as a command reaches them.
final class ImagePlaces: Sendable {
    let store: ImageStore
    private let access: RegistryAccessOptions
    private let context: CommandContext
    /// One for each registry: its connections and tokens serve for all images.
    private let clients = Mutex<[RegistryHost: RegistryClient]>([:])

    /// - Parameters:
    ///   - options: which store.
    ///   - access: how registries are reached; for those who reach none, the defaults.
    ///   - context: the surroundings.
    /// - Throws: `StoreError` or `CommandError`.
    init(
        _ options: StoreOptions, _ access: RegistryAccessOptions = RegistryAccessOptions(),
        in context: CommandContext
    ) throws {
        store = try options.open(in: context)
        self.access = access
        self.context = context
    }

    /// What remembers uploads that broke, for the next run.
    private var journal: FileUploadJournal? {
        (try? context.home()).map { FileUploadJournal($0.appending("uploads")) }
    }

    /// Where a name is looked for.
    enum Order {
        /// Among the images on this machine only.
        case store
        /// On this machine, else in the registry that it names.
        case storeFirst
        /// In the registry that it names; on this machine if it names none.
        case registryFirst
    }

    /// Finds an image, and reads its manifest only.
    func find(_ place: ImagePlace, _ order: Order) async throws -> FoundImage {
        switch place {
        case .named(let reference): return try await find(reference, order)
        case .store(let reference): return try stored(reference, as: place)
        case .registry(let reference): return try await remote(reference, as: place)
        case .layout(let folder, let name):
            let layout = try ImageStore(reading: context.path(folder))
            return try await found(name, in: try layoutIndex(of: layout), layout, as: place)
        case .archive(let file, let name):
            let archive = try ImageArchive(context.path(file), scratch: context.scratch)
            return try await found(name, in: archive.index, archive, as: place)
        }
    }

    private func find(_ reference: Reference, _ order: Order) async throws -> FoundImage {
        if order == .registryFirst, reference.registry != nil {
            return try await remote(reference, as: .named(reference))
        }
        do {
            return try stored(reference, as: .named(reference))
        } catch let error as StoreError where error.code == .unknownImage {
            let completed = try context.completed(reference)
            if completed != reference, let image = try? stored(completed, as: .named(completed)) {
                return image
            }
            guard order != .store, completed.registry != nil else { throw error }
            return try await remote(completed, as: .named(completed))
        }
    }

    private func stored(_ reference: Reference, as place: ImagePlace) throws -> FoundImage {
        let descriptor = try store.resolve(reference)
        // The beginning of a digest is no name; what it leads to may have some.
        let names = try store.names(of: descriptor.digest)
        let fullName = names.contains(reference.stored) ? reference.stored : names.first
        return FoundImage(
            name: "\(place)", fullName: fullName, document: try store.manifest(descriptor), blobs: store,
            reference: reference)
    }

    private func remote(_ reference: Reference, as place: ImagePlace) async throws -> FoundImage {
        let client = try client(for: reference)
        return FoundImage(
            name: "\(place)", fullName: reference.tagged,
            document: try await client.manifest(reference.repository, reference.target),
            blobs: RegistryBlobs(client, reference.repository), reference: reference)
    }

    private func found(
        _ name: ImagePlace.LayoutName, in index: LayoutIndex, _ blobs: any BlobAccess, as place: ImagePlace
    ) async throws -> FoundImage {
        let entry = try index.resolve(name)
        return FoundImage(
            name: "\(place)", fullName: entry.name, document: try await blobs.manifest(entry.descriptor),
            blobs: blobs, reference: entry.name.flatMap { try? Reference($0) })
    }

    func layoutIndex(of layout: ImageStore) throws -> LayoutIndex {
        func file(_ name: String) throws -> [UInt8]? {
            let path = layout.root.appending(name)
            return Files.kind(path) == .file ? try Files.read(path, limit: ManifestDocument.maximumSize) : nil
        }
        return try LayoutIndex(
            index: file("index.json"), marker: file("oci-layout"), title: "image layout \"\(layout.root)\"")
    }

    /// A client for the registry that a reference names.
    func client(for reference: Reference) throws -> RegistryClient {
        if let host = reference.registry, let client = clients.withLock({ $0[host] }) { return client }
        let client = try access.client(for: reference, in: context)
        clients.withLock { $0[client.host] = client }
        return client
    }

    // MARK: - Bringing images there

    /// Copies images into a store or a layout.
    func copy(
        _ images: [NamedImage], from source: any BlobAccess, into store: ImageStore, _ transfer: ImageTransfer
    ) async throws {
        try await store.ingest { ingest in
            try await transfer.copy(images, from: source, to: StoreDestination(ingest))
        }
    }

    /// Copies an image into a repository; what comes from afar waits in the store until it is across.
    func copy(
        _ image: NamedImage, from source: any BlobAccess, to client: RegistryClient, _ repository: Repository,
        _ transfer: ImageTransfer
    ) async throws {
        guard source.isRemote else {
            return try await transfer.copy([shipment(of: image, from: source, to: client, repository)])
        }
        try await store.ingest { spool in
            try await transfer.copy([shipment(of: image, from: source, to: client, repository, spool)])
        }
    }

    /// An image's way into a repository, once the registry was asked whether it is there.
    func shipment(
        of image: NamedImage, from source: any BlobAccess, to client: RegistryClient,
        _ repository: Repository,
        _ spool: ImageIngest? = nil
    ) async throws -> Shipment {
        // A registry takes no manifest without its blobs. They are asked about all the same: one may have been lost.
        let digest = image.tree.root.digest
        let isThere = try await client.hasManifest(repository, digest)
        return Shipment(
            image, from: source,
            to: RegistryDestination(
                client, repository, asksFirst: isThere,
                relatives: source.isRemote ? [] : relatives(of: digest, at: client.host, but: repository),
                spool: spool, journal: journal))
    }

    /// The repository of a registry that the store knows the same image by, if there is another one.
    private func relatives(of digest: Digest, at host: RegistryHost, but target: Repository) -> [Repository] {
        let names = (try? store.names(of: digest)) ?? []
        let other = names.lazy.compactMap { try? Reference($0) }
            .first { $0.registry == host && $0.repository != target }
        return other.map { [$0.repository] } ?? []
    }

    /// Writes images to one archive.
    /// - Parameters:
    ///   - images: what goes in, each from where it is.
    ///   - sink: gets the archive.
    ///   - transfer: moves the blobs, and tells of it.
    /// - Throws: what the images' places and the sink throw.
    func archive(
        _ images: [(image: NamedImage, source: any BlobAccess)], to sink: any ByteSink,
        _ transfer: ImageTransfer
    ) async throws {
        try await store.ingest { spool in
            let archive = ArchiveDestination(spool: spool)
            for (image, source) in images {
                try await transfer.copy([image], from: source, to: archive)
            }
            try archive.write(to: sink)
            archive.drop()
        }
    }
}

extension CommandContext {
    /// A folder for what is needed for a moment.
    var scratch: FilePath { FilePath(environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp") }

    /// Moves something while showing how far it is.
    func showing<Result>(
        _ action: TransferAction, quiet: Bool, _ move: (ImageTransfer) async throws -> Result
    ) async throws -> Result {
        let display = TransferDisplay(action, quiet: quiet, terminal: terminal)
        // Cleared also before an error is printed.
        defer { display.finish() }
        return try await move(ImageTransfer { display.show($0) })
    }
}
