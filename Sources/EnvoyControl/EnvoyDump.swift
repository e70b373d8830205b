// SPDX-License-Identifier: Apache-2.0

extension EnvoyAdmin {
    /// What Envoy answers to a question that has no form of its own here, as a dump or another port's metrics.
    /// - Parameter path: with its query.
    /// - Returns: the body of its answer.
    /// - Throws: `EnvoyError` if the admin interface does not answer, or does not know the path.
    package func answer(to path: String) async throws -> [UInt8] {
        try await get(path, accepting: [200])
    }

    /// One kind of what Envoy has been configured with.
    /// - Parameter resource: as in `dynamic_listeners`.
    /// - Returns: the answer of `/config_dump`, JSON; without any configuration if Envoy has none of that kind, which it
    ///   says as if there were no such page.
    /// - Throws: `EnvoyError` if the admin interface does not answer.
    package func dump(of resource: String) async throws -> [UInt8] {
        let answer = try await get("/config_dump?resource=\(resource)", accepting: [200, 404])
        return String(decoding: answer.prefix(200), as: UTF8.self).contains("not found in config dump")
            ? Array("{}".utf8) : answer
    }
}
