// SPDX-License-Identifier: Apache-2.0

extension Registry {
    /// The policies that the principal decides about, by scope.
    package func policies() async throws -> [String: RepositoryPolicy] { try await metadata.policies() }

    /// What was decided about a scope itself; nil for nothing.
    package func policy(for scope: PolicyScope) async throws -> RepositoryPolicy? {
        try await metadata.policy(for: scope)
    }

    /// Decides about a scope; nil lifts what was decided.
    package func setPolicy(_ policy: RepositoryPolicy?, for scope: PolicyScope) async throws {
        try policy?.validate()
        try await metadata.setPolicy(policy, for: scope)
    }
}
