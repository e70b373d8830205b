// SPDX-License-Identifier: Apache-2.0

extension EnvoyAdmin {
    /// What Envoy answers to a question that has no form of its own here, as a dump or another port's metrics.
    /// - Parameter path: with its query.
    /// - Returns: the body of its answer.
    /// - Throws: `EnvoyError` if the admin interface does not answer, or does not know the path.
    package func answer(to path: String) async throws -> [UInt8] {
        try await get(path, accepting: [200])
    }
}
