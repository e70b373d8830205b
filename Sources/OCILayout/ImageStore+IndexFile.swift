// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
private import Foundation
import OCI
private import Synchronization
import SystemPackage

/// The file `index.json`: read, and replaced under the lock.
extension ImageStore {
    /// The index as it stands in the file; a reader gets what it read before, if the file is still that one.
    func readIndex() throws -> Index {
        let path = root.appending("index.json")
        return try indexCache.index(of: path) { try readIndexFile() }
    }

    func readIndexFile() throws -> Index {
        let path = root.appending("index.json")
        let hint =
            isReadOnly
            ? nil
            : "remove it and pull or build the images again: what is here of them is not fetched a second time"
        do {
            return try JSONDecoder().decode(Index.self, from: Data(try Files.read(path)))
        } catch let error as SystemError where error.isNotFound {
            return Index(manifests: [])
        } catch DecodingError.valueNotFound(_, let place)
            where place.codingPath.last?.stringValue == "manifests"
        {
            // So tools in Go write a list without members.
            return Index(manifests: [])
        } catch let error as SystemError where error.isDirectory {
            throw StoreError(.corrupt, "\"\(path)\" is damaged: it is a folder", hint: hint)
        } catch let error as DecodingError {
            throw StoreError(.corrupt, "\"\(path)\" is damaged: \(decodingFailure(error))", hint: hint)
        }
    }

    /// Changes the index under the lock, after the names in `folders` are on the disk; what does not change is not
    /// written.
    func updateIndex(after folders: [FilePath] = [], _ change: (inout Index) throws -> Void) throws {
        try locked {
            let index = try readIndexFile()
            var changed = index
            try change(&changed)
            guard changed != index else { return try Files.synchronize(folders) }
            try writeIndex(changed, after: folders)
        }
    }

    /// Only under the lock.
    func writeIndex(_ index: Index, after folders: [FilePath] = []) throws {
        try Files.replace(
            root.appending("index.json"), with: try canonicalJSON(index),
            draft: root.appending(".index.json-new"), beside: folders)
    }
}

extension Index {
    /// Makes names lead to a manifest; without any, the manifest is known by its digest alone.
    mutating func enter(_ descriptor: Descriptor, names: [String], facts: ImageFacts) {
        var entry = descriptor.bare
        entry.annotations = facts.annotations
        let isSettled = names.allSatisfy { name in
            manifests.contains {
                $0.name == name && $0.digest == entry.digest
                    && ImageFacts(annotations: $0.annotations) == facts
            }
        }
        // Giving what is given is no change: nothing is written then.
        if isSettled, !names.isEmpty || manifests.contains(where: { $0.digest == entry.digest }) { return }
        entry.annotations?[ImageStore.storedAt] = Date().formatted(.iso8601)
        // The image that had the name stays, without one, until it is pruned.
        for position in manifests.indices where manifests[position].name.map(names.contains) == true {
            manifests[position].annotations?[ImageStore.refName] = nil
        }
        for name in names {
            entry.annotations?[ImageStore.refName] = name
            manifests.append(entry)
        }
        if names.isEmpty { manifests.append(entry) }
        dropSpareEntries()
    }

    /// Takes names away.
    mutating func forget(names: Set<String>) {
        for position in manifests.indices where manifests[position].name.map(names.contains) == true {
            manifests[position].annotations?[ImageStore.refName] = nil
        }
        dropSpareEntries()
    }

    /// An entry without a name is kept only while nothing else names the same manifest.
    private mutating func dropSpareEntries() {
        let named = Set(manifests.filter { $0.name != nil }.map(\.digest))
        var seen: Set<Digest> = []
        manifests.removeAll { entry in
            guard entry.name == nil else { return false }
            return named.contains(entry.digest) || !seen.insert(entry.digest).inserted
        }
    }
}

/// What was read of an `index.json`: a command that names a hundred images reads it once.
final class IndexCache: Sendable {
    private let known = Mutex<(stamp: FileStamp, index: Index)?>(nil)

    /// The index that a file holds.
    ///
    /// A file that is changed within the clock's tick may pass for the one before, so whoever writes does not ask here.
    func index(of path: FilePath, _ read: () throws -> Index) throws -> Index {
        guard let stamp = Files.stamp(path) else { return try read() }
        if let known = known.withLock({ $0 }), known.stamp == stamp { return known.index }
        let index = try read()
        // Not what was written while it was read.
        if Files.stamp(path) == stamp { known.withLock { $0 = (stamp, index) } }
        return index
    }
}

extension SystemError {
    fileprivate var isNotFound: Bool { errno == Errno.noSuchFileOrDirectory.rawValue }
    fileprivate var isDirectory: Bool { errno == Errno.isDirectory.rawValue }
}
