// SPDX-License-Identifier: Apache-2.0

import NIOCore
import OCI
import Synchronization

/// Bytes of blobs that were asked for lately, in memory.
///
/// It knows content, not rights: what has a digest never changes, and whether somebody may read it in some repository
/// at this moment is decided by the database on each request. So nothing is served because it is here, and nothing has
/// to be taken out when a blob is deleted.
///
/// What counts is the memory that content takes, which may be nearly twice as much as it has bytes: buffers grow by powers
/// of two.
final class ContentCache: Sendable {
    private struct State {
        /// What was used since the last turn, and what was used before it.
        var recent: [Digest: ByteBuffer] = [:]
        var older: [Digest: ByteBuffer] = [:]
        var recentBytes = 0
    }

    private let state = Mutex(State())
    /// Bytes of memory for all content, at most.
    let capacity: Int
    /// Bytes of the largest content that is kept.
    let largest: Int

    init(capacity: Int = 32 << 20, largest: Int = 1 << 20) {
        self.capacity = capacity
        self.largest = largest
    }

    subscript(_ digest: Digest) -> ByteBuffer? {
        state.withLock { state in
            if let bytes = state.recent[digest] { return bytes }
            guard let bytes = state.older.removeValue(forKey: digest) else { return nil }
            insert(bytes, digest, &state)
            return bytes
        }
    }

    /// Keeps bytes, if they are not too many.
    func insert(_ bytes: ByteBuffer, for digest: Digest) {
        guard bytes.readableBytes <= largest else { return }
        state.withLock { state in
            guard state.recent[digest] == nil else { return }
            insert(bytes, digest, &state)
        }
    }

    /// All that is kept.
    var content: [Digest: ByteBuffer] {
        state.withLock { state in state.recent.merging(state.older) { recent, _ in recent } }
    }

    private func insert(_ bytes: ByteBuffer, _ digest: Digest, _ state: inout State) {
        // Half of the space for each of the two: what nobody used for a whole turn goes.
        if state.recentBytes + bytes.storageCapacity > capacity / 2 {
            state.older = state.recent
            state.recent = [:]
            state.recentBytes = 0
        }
        state.recent[digest] = bytes
        state.recentBytes += bytes.storageCapacity
    }
}
