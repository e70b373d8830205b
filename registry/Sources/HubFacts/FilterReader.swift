// SPDX-License-Identifier: Apache-2.0

import Archive
import Diagnostics
import FilterImage
import FilterInspection
import HostProfiles
package import Hub
package import OCI
import WasmBinary

/// Reads images of filters, with the same code that `wasme inspect` and `wasme check` read them with.
package struct FilterReader: FactReader {
    /// How much is read.
    package struct Limits: Sendable {
        /// Bytes of the largest layer that is unpacked, and of the largest module.
        package var file = 64 << 20
        /// Bytes that all layers of an image may unpack to.
        package var unpacked: Int64 = 128 << 20
        /// Bytes of the largest document.
        package var document = 1 << 20

        package init() {}
    }

    /// What this reader writes down; to be counted up with each change of that.
    private static let version = 1

    private let limits: Limits
    private let thread = BackgroundThread()

    package init(limits: Limits = Limits()) { self.limits = limits }

    package var revision: String { "\(Self.version)-\(HostCatalog.revision)" }

    package func read(
        _ document: ManifestDocument, from blobs: some BlobAccess
    ) async throws -> (facts: ManifestFacts, module: [UInt8]?) {
        guard Self.mayBeFilter(document) else { return (ManifestFacts(.other), nil) }
        return try await withTaskExecutorPreference(thread) { try await readImage(document, blobs) }
    }

    /// Whether anything of an image or index can be a module; most content needs no second look.
    private static func mayBeFilter(_ document: ManifestDocument) -> Bool {
        switch document.content {
        case .index: true
        case .manifest(let manifest):
            manifest.layers.contains { $0.mediaType.isRawModule || $0.mediaType.isTar }
        }
    }

    private func readImage(
        _ document: ManifestDocument, _ blobs: some BlobAccess
    ) async throws -> (facts: ManifestFacts, module: [UInt8]?) {
        var image = document
        var index: ManifestDocument?
        if case .index(let content) = document.content {
            guard let child = ImageInspection.chosen(content) else { return (ManifestFacts(.other), nil) }
            do {
                image = try await blobs.manifest(child)
            } catch let error as HubError where error.code == .manifestUnknown {
                // An index may name manifests that are not here.
                return (ManifestFacts(.other), nil)
            }
            index = document
        }
        guard case .manifest(let manifest) = image.content, Self.mayBeFilter(image) else {
            return (ManifestFacts(.other), nil)
        }
        // An ordinary image is not unpacked to find out that it is one.
        let isFilter = manifest.claimsToBeFilter
        let size = manifest.layers.filter(\.mediaType.isTar).reduce(Int64(0)) {
            $0.addingReportingOverflow(max(0, $1.size)).partialValue
        }
        guard size >= 0, size <= limits.file else {
            let reason = "its layers have \(size) bytes, of which the hub unpacks at most \(limits.file)"
            return (ManifestFacts(isFilter ? .unreadable : .other, reason: reason), nil)
        }
        if let raw = manifest.layers.last(where: \.mediaType.isRawModule), raw.size > limits.file {
            // It is served all the same: a blob as large as any.
            var facts = ManifestFacts(
                .unreadable,
                reason: "the module has \(raw.size) bytes, of which the hub reads at most \(limits.file)")
            if raw.digest.algorithm == .sha256 {
                facts.module = ModuleRecord(digest: raw.digest, size: raw.size, blob: raw.digest)
            }
            return (facts, nil)
        }
        var bounds = FilterImage.Bounds()
        bounds.file = limits.file
        bounds.document = limits.document
        bounds.unpacked = limits.unpacked
        let unpacked: FilterImage.Unpacked
        do {
            unpacked = try await FilterImage.unpack(image, from: blobs, within: bounds)
        } catch let error as FilterImageError {
            return (ManifestFacts(isFilter ? .unreadable : .other, reason: oneLine(error)), nil)
        } catch let error as HubError where error.code == .blobUnknown {
            return (ManifestFacts(isFilter ? .unreadable : .other, reason: error.message), nil)
        }
        return describe(unpacked, image, manifest, index)
    }

    private func describe(
        _ unpacked: FilterImage.Unpacked, _ image: ManifestDocument, _ manifest: Manifest,
        _ index: ManifestDocument?
    ) -> (facts: ManifestFacts, module: [UInt8]?) {
        let bytes = unpacked.content.module
        // The last one that is a module as it is: what the image's makers uploaded is what is served.
        let raw = manifest.layers.last { $0.mediaType.isRawModule && $0.size == bytes.count }
        let digest = raw?.digest.algorithm == .sha256 ? raw?.digest : nil
        let record = ModuleRecord(
            digest: digest ?? Digest(of: bytes), size: Int64(bytes.count), blob: raw?.digest)
        var facts: ManifestFacts
        do {
            let module = try WasmModule(bytes)
            try ModuleBounds.check(module)
            facts = try FilterFacts(module, unpacked, image, index).facts()
        } catch {
            facts = ManifestFacts(.unreadable, reason: oneLine(error))
        }
        facts.module = record
        return (facts, raw == nil ? bytes : nil)
    }
}

/// What an error says, short enough for a line of a page.
private func oneLine(_ error: any Error) -> String {
    String("\(error)".replacing("\n", with: " ").prefix(500))
}

extension Manifest {
    /// Whether the manifest says that it is a filter, so that one without a module is worth a word.
    fileprivate var claimsToBeFilter: Bool {
        layers.contains { $0.mediaType.isRawModule } || config.mediaType == .wasmeConfig
            || config.mediaType == .wasmConfig
            || (annotations ?? [:]).keys.contains {
                $0.hasPrefix("module.wasm.") || $0.hasPrefix("dev.wasme.")
            }
    }
}
