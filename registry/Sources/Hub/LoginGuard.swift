// SPDX-License-Identifier: Apache-2.0

import Diagnostics
private import Synchronization

/// Slows down those who guess passwords.
///
/// Failures are counted for an account at an address, for an address, and for an account from anywhere; each limit is
/// higher than the one before, so that nobody is locked out because a stranger guesses at his name a few times.
package final class LoginGuard: Sendable {
    private enum Key: Hashable {
        case pair(String, String)
        case address(String)
        case account(String)

        /// Failures that cost nothing.
        var allowance: Int {
            switch self {
            case .pair: 5
            case .address: 50
            case .account: 200
            }
        }
    }

    private struct Failures {
        var count = 0
        /// Seconds since 1970, as below.
        var last: Int64 = 0
        var blockedUntil: Int64 = 0
    }

    private let failures = Mutex<[Key: Failures]>([:])
    private let failureCount = Atomic(0)
    private let refusalCount = Atomic(0)
    /// Failures are forgotten after so many seconds without another.
    private static let memory: Int64 = 3600
    private static let longestWait: Int64 = 900
    /// Most keys that are remembered.
    private let capacity: Int

    package init(capacity: Int = 20_000) { self.capacity = capacity }

    /// Refuses an attempt that comes too early.
    package func admit(_ account: String, _ address: String?, now: Int64) throws(HubError) {
        let until = failures.withLock { failures in
            Self.keys(account, address).compactMap { failures[$0]?.blockedUntil }.max() ?? 0
        }
        guard until > now else { return }
        refusalCount.wrappingAdd(1, ordering: .relaxed)
        throw HubError(
            .tooManyRequests, "too many failed log-ins; wait \(until - now) seconds",
            detail: "\(until - now)",
            category: .denied)
    }

    /// Whether an account did nothing wrong at an address, and nobody is made to wait on its behalf.
    func isUnsuspected(_ account: String, _ address: String?, now: Int64) -> Bool {
        failures.withLock { failures in
            failures[.pair(account, address ?? "")] == nil
                && Self.keys(account, address).allSatisfy { failures[$0]?.blockedUntil ?? 0 <= now }
        }
    }

    /// Counts a wrong password or token.
    package func failed(_ account: String, _ address: String?, now: Int64) {
        failureCount.wrappingAdd(1, ordering: .relaxed)
        failures.withLock { failures in
            for key in Self.keys(account, address) {
                var entry = failures[key] ?? Failures()
                if now - entry.last > Self.memory { entry = Failures() }
                entry.count += 1
                entry.last = now
                let excess = entry.count - key.allowance
                if excess >= 0 {
                    entry.blockedUntil = now + min(Self.longestWait, 1 << Int64(min(excess, 10)))
                }
                failures[key] = entry
            }
            if failures.count > capacity { Self.shrink(&failures, to: capacity / 2, now: now) }
        }
    }

    /// Forgets what an account did wrong at an address before it came in.
    package func succeeded(_ account: String, _ address: String?) {
        failures.withLock { $0[.pair(account, address ?? "")] = nil }
    }

    /// How many attempts failed, and how many were refused, since the start.
    var counts: (failures: Int, lockOuts: Int) {
        (failureCount.load(ordering: .relaxed), refusalCount.load(ordering: .relaxed))
    }

    /// How many keys are remembered.
    package var count: Int { failures.withLock { $0.count } }

    private static func keys(_ account: String, _ address: String?) -> [Key] {
        [.pair(account, address ?? ""), .account(account)] + (address.map { [.address($0)] } ?? [])
    }

    /// Keeps the keys that matter most: those that are blocked longest, then those that failed last.
    private static func shrink(_ failures: inout [Key: Failures], to count: Int, now: Int64) {
        let kept = failures.filter { now - $0.value.last <= memory }
            .sorted { ($0.value.blockedUntil, $0.value.last) > ($1.value.blockedUntil, $1.value.last) }
        failures = Dictionary(uniqueKeysWithValues: kept.prefix(count).map { ($0.key, $0.value) })
    }
}
