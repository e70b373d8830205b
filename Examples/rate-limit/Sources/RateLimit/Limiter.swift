// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// A token bucket for each client, shared by all threads of the proxy.
///
/// A bucket is written as one number: the time at which it will be full again (the "generic cell rate algorithm", as in
/// ITU-T I.371). It needs no timer, and one number is easily changed by compare and set.
struct Limiter {
    enum Decision: Equatable {
        case granted
        case refused(retryAfterSeconds: UInt64)
    }

    /// Nanoseconds in which one token comes back.
    let interval: UInt64
    /// How many tokens a full bucket has.
    let burst: UInt64

    /// Takes a token of a client, if there is one.
    func take(for client: Bytes, at now: UInt64) throws(HostError) -> Decision {
        var decision = Decision.granted
        try SharedData.update(bucket(of: client)) { (value) throws(HostError) in
            let capacity = interval * burst
            // A time that lies behind means a full bucket; one too far ahead, that the clock was set back.
            let stored = min(value?.integer(as: UInt64.self) ?? 0, now + capacity)
            let full = max(stored, now) + interval
            if full <= now + capacity {
                decision = .granted
                return "\(full)"
            }
            decision = .refused(retryAfterSeconds: (full - now - capacity + 999_999_999) / 1_000_000_000)
            // Nothing to write: whoever keeps trying does not have to wait any longer for it.
            return nil
        }
        return decision
    }

    /// Shared data cannot be deleted, and a client may call itself by ever new names: so there are only so many
    /// buckets, and now and then two clients share one.
    private func bucket(of client: Bytes) -> Bytes {
        // FNV-1a.
        var hash: UInt32 = 2_166_136_261
        for byte in client {
            hash = (hash ^ UInt32(byte)) &* 16_777_619
        }
        return "rate-limit:\(hash % 65_536)"
    }
}
