// SPDX-License-Identifier: Apache-2.0

import Diagnostics
private import Dispatch
import OCI
import Secrets
private import Synchronization

/// Hashes passwords one at a time, so that log-ins take neither all cores nor all memory, and never a thread that serves
/// requests.
final class PasswordChecker: Sendable {
    private let queue = DispatchQueue(label: "wasme-hub.passwords", qos: .utility)
    private let waiting = Mutex(0)
    /// Recognised pairs of a stored hash and a password, as hashes with a secret of this process.
    ///
    /// A client that sends its password with each request pays once in a while.
    private let recognised = Mutex<[Digest: Int64]>([:])
    private let secret = TokenSecret(.access).text
    /// Stands in for the hash of an account that is not there: refusing it takes as long.
    private let decoy: PasswordHash
    private let cost: PasswordHash.Cost

    private static let longestQueue = 100
    private static let memory: Int64 = 300
    private static let capacity = 1000

    init(cost: PasswordHash.Cost) {
        self.cost = cost
        // Hashing something for it would be most of the time that the hub takes to start.
        decoy = PasswordHash(decoy: cost)
    }

    /// Whether a password is the one that was stored; nil stands for an account without one.
    func matches(_ password: String, _ stored: String?, now: Int64) async throws -> Bool {
        let hash = stored.flatMap { PasswordHash(stored: $0) }
        let key = Digest(of: "\(secret)\u{0}\(stored ?? "")\u{0}\(password)".utf8)
        if hash != nil, recognised.withLock({ $0[key] }).map({ now - $0 < Self.memory }) ?? false {
            return true
        }
        let isRight = try await perform { [hash, decoy, cost] in
            let isRight = hash?.matches(password) ?? false
            // A wrong password costs the same for an account that is not there, or that has a cheaper hash.
            if !isRight, hash?.isOutdated(for: cost) ?? true { _ = decoy.matches(password) }
            return isRight
        }
        if isRight {
            recognised.withLock { recognised in
                if recognised.count >= Self.capacity { recognised = [:] }
                recognised[key] = now
            }
        }
        return isRight
    }

    /// Whether what is stored of a password, which was just recognised, had better be replaced.
    func isOutdated(_ stored: String) -> Bool { PasswordHash(stored: stored)?.isOutdated(for: cost) ?? false }

    /// Hashes a new password.
    func hash(_ password: String) async throws -> String {
        try await perform { [cost] in PasswordHash(of: password, cost: cost).description }
    }

    private func perform<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async throws -> Result {
        let place = waiting.withLock { waiting in
            waiting += 1
            return waiting
        }
        defer { waiting.withLock { $0 -= 1 } }
        guard place <= Self.longestQueue else {
            throw HubError(
                .tooManyRequests, "too many log-ins at once; try again in a moment", detail: "5",
                category: .denied)
        }
        return await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: work()) }
        }
    }
}
