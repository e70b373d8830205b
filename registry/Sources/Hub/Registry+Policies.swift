// SPDX-License-Identifier: Apache-2.0

extension Registry {
    /// The policies that the principal decides about, by scope.
    package func policies() async throws -> [String: RepositoryPolicy] { try await metadata.policies() }

    /// Decides about a scope; nil lifts what was decided.
    package func setPolicy(_ policy: RepositoryPolicy?, for scope: PolicyScope) async throws {
        try policy?.validate()
        try await metadata.setPolicy(policy, for: scope)
    }
}
