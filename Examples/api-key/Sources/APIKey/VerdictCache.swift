// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// Whose keys were found good, for all threads of the proxy.
///
/// Shared data cannot be deleted, so a key that was refused is not remembered: anybody could fill the proxy's memory
/// with keys that do not exist. Each good key takes one entry for ever.
struct VerdictCache {
    /// Nanoseconds for which an answer counts.
    let timeToLive: UInt64

    /// The owner of a key, if it was found good not too long ago.
    func consumer(of key: Bytes) throws(HostError) -> Bytes? {
        guard let entry = try SharedData.get(name(key)),
            let (expiry, consumer) = entry.value.split(at: UInt8(ascii: " ")),
            let expiry = expiry.integer(as: UInt64.self)
        else { return nil }
        return try HostClock.now < expiry ? consumer : nil
    }

    /// Remembers the owner of a good key.
    func store(_ consumer: Bytes, for key: Bytes) throws(HostError) {
        guard timeToLive > 0 else { return }
        let expiry = try HostClock.now + timeToLive
        // Whoever writes last is right: two threads have asked the same service at about the same time.
        try SharedData.set(name(key), to: "\(expiry) \(consumer)")
    }

    private func name(_ key: Bytes) -> Bytes {
        "api-key:\(key)"
    }
}
