// SPDX-License-Identifier: Apache-2.0

import Hub
import OCI
import SystemPackage

/// Where things lie in a data folder, and in a backup, which is one.
///
///     lock                     held while the hub runs
///     hub.sqlite               what is known: repositories, manifests, tags, uploads; small blobs
///     blobs/sha256/ab/<hex>    finished blobs
///     uploads/<id>             bytes that are still arriving
struct DataLayout: Sendable {
    let path: FilePath

    init(_ path: FilePath) { self.path = path }

    var database: FilePath { path.appending("hub.sqlite") }

    /// Where a finished blob lies.
    func blob(_ digest: Digest) -> FilePath {
        path.appending("blobs").appending(digest.algorithm.rawValue).appending(String(digest.hex.prefix(2)))
            .appending(digest.hex)
    }

    /// Where the bytes of an upload lie.
    func upload(_ id: UploadID) -> FilePath { path.appending("uploads").appending(id.description) }

    /// The folders that finished blobs lie in.
    var blobFolders: [(algorithm: Digest.Algorithm, path: FilePath)] {
        Digest.Algorithm.allCases.flatMap { algorithm in
            (0...255).map { number in
                let name = (number < 16 ? "0" : "") + String(number, radix: 16)
                return (algorithm, path.appending("blobs").appending(algorithm.rawValue).appending(name))
            }
        }
    }
}
