// SPDX-License-Identifier: Apache-2.0

private import Files
private import Foundation
package import OCI
package import SystemPackage

/// The store of the original wasme, read and never written: `<md5 of the name>/` with `image_ref`, `descriptor.json`
/// (that of the module's layer), `runtime-config.json` and `filter.wasm`.
package struct LegacyStore: Sendable {
    package let root: FilePath

    /// Opens a store.
    package init(_ root: FilePath) throws {
        guard Files.kind(root) == .directory else {
            throw FilterImageError(
                .notAFilter, "there is no store of the original wasme in \"\(root)\"",
                hint: "name its folder: --wasme-store DIR; the usual one is ~/.wasme/store")
        }
        self.root = root
    }

    /// The folders of its images, whole or damaged.
    package func entries() throws -> [String] {
        try Files.contents(root).filter { Files.kind(root.appending($0)) == .directory }
    }

    /// Reads an image, as the original would have pushed it.
    /// - Returns: its name, spelt out as the original did, and the image.
    /// - Throws: `FilterImageError` that says what is wrong with the folder.
    package func read(_ entry: String) throws -> (Reference, FilterImage.Composed) {
        let folder = root.appending(entry)
        func damaged(_ why: String) -> FilterImageError {
            FilterImageError(.damaged, "image \"\(folder)\": \(why)")
        }
        func file(_ name: String, limit: Int = 1 << 20) throws -> [UInt8] {
            guard Files.kind(folder.appending(name)) == .file else { throw damaged("\(name) is missing") }
            do {
                return try Files.read(folder.appending(name), limit: limit)
            } catch {
                throw damaged("\(error)")
            }
        }
        let name = String(decoding: try file("image_ref", limit: 4096), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard let reference = try? Reference(name), reference.digest == nil else {
            throw damaged("image_ref is no name of an image")
        }
        let runtimeBytes = try file("runtime-config.json")
        let module = try file("filter.wasm", limit: 256 << 20)
        let runtime: RuntimeConfig
        do {
            let layer = try JSONDecoder().decode(Descriptor.self, from: Data(try file("descriptor.json")))
            guard layer.size == module.count,
                layer.digest == Digest(of: module, algorithm: layer.digest.algorithm)
            else {
                throw damaged(
                    "filter.wasm is not what descriptor.json says: \(layer.digest), \(layer.size) bytes")
            }
            runtime = try JSONDecoder().decode(RuntimeConfig.self, from: Data(runtimeBytes))
        } catch let error as DecodingError {
            throw damaged("its JSON is broken: \(decodingFailure(error))")
        }
        return (reference, try FilterImage.original(runtimeBytes, runtime, module: module, annotations: [:]))
    }
}
