// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
import Files
import OCI
import SystemPackage

/// What ingests say to those who remove images: which blobs they count on.
extension ImageStore {
    /// Notes that an ingest counts on blobs, and looks at the store before anybody removes something.
    func count<Result>(
        on digests: some Collection<Digest>, in ingest: FilePath, _ look: () throws -> Result
    ) throws -> Result {
        try locked {
            try Files.append(digests.map { "\($0)\n" }.joined(), to: ingest.appending("counted-on"))
            return try look()
        }
    }

    /// The blobs that live ingests count on; only under the lock.
    func countedOn() throws -> Set<Digest> {
        var digests: Set<Digest> = []
        for folder in try ingests() {
            let list = folder.appending("counted-on")
            guard Files.kind(list) == .file else { continue }
            let text = String(decoding: try Files.read(list), as: UTF8.self)
            digests.formUnion(text.split(separator: "\n").compactMap { Digest(String($0)) })
        }
        return digests
    }

    /// The folders of processes that were killed: their lock is free; only under the lock.
    func abandonedIngests() throws -> [FilePath] {
        // A folder that vanishes meanwhile was its owner's, who has finished.
        try ingests().filter { (try? FileLock($0.appending("lock"), wait: false)) != nil }
    }

    private func ingests() throws -> [FilePath] {
        let folder = root.appending("ingest")
        guard Files.kind(folder) == .directory else { return [] }
        return try Files.contents(folder).map { folder.appending($0) }
    }
}
