// SPDX-License-Identifier: Apache-2.0

import Hub
private import Synchronization

/// The way in for the first administrator: whoever can read what the hub prints may use it, once.
package final class SetupLink: Sendable {
    package let token = TokenSecret(.access).text
    private let isUsed = Mutex(false)

    package init() {}

    func opens(with text: String) -> Bool {
        // What is compared are hashes, whose first difference tells nothing about the token.
        !isUsed.withLock { $0 } && TokenSecret(text)?.hash == TokenSecret(token)?.hash
    }

    /// Does something that may be done once, unless it fails.
    func use(_ work: () async throws -> Void) async throws {
        let isFirst = isUsed.withLock { isUsed in
            defer { isUsed = true }
            return !isUsed
        }
        guard isFirst else { throw HubError.badCredentials }
        do {
            try await work()
        } catch {
            isUsed.withLock { $0 = false }
            throw error
        }
    }
}
