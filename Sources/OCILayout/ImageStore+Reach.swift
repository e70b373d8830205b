// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import OCI

/// What belongs to an image, and whether it is whole.
extension ImageStore {
    /// A manifest with all that it names, and what that names, each once.
    /// - Throws: `StoreError` if a manifest is missing or damaged; blobs are not looked at.
    func reached(from descriptor: Descriptor) throws -> [Descriptor] {
        var all = [descriptor]
        var seen: Set<Digest> = [descriptor.digest]
        var next = 0
        while next < all.count {
            defer { next += 1 }
            let type = all[next].mediaType
            guard next == 0 || (MediaType.manifests + MediaType.indexes).contains(type) else { continue }
            let document = try manifest(all[next])
            let named: [Descriptor] =
                switch document.content {
                case .manifest: document.blobs
                case .index(let index): index.manifests
                }
            all += named.filter { seen.insert($0.digest).inserted }
        }
        return all
    }

    /// Holds every image here against its digests: all bytes are read.
    /// - Returns: what is wrong, each once; nothing if all is well.
    /// - Throws: `StoreError` if `index.json` cannot be read.
    package func verify() throws -> [StoreError] {
        var problems: [StoreError] = []
        var seen: Set<Digest> = []
        for entry in try readIndex().manifests {
            do {
                for blob in try reached(from: entry) where seen.insert(blob.digest).inserted {
                    do { try copy(blob, to: Nowhere()) } catch let error as StoreError {
                        problems.append(error)
                    }
                }
            } catch let error as StoreError where seen.insert(entry.digest).inserted {
                problems.append(error)
            } catch is StoreError {
                // Told already, for another name of it.
            }
        }
        return problems
    }
}

/// For bytes that are only hashed.
final class Nowhere: ByteSink {
    func write(_ bytes: UnsafeRawBufferPointer) {}
}
