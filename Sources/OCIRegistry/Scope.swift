// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What a request wants to be allowed: actions on one repository (the token specification's `scope`).
package struct Scope: Hashable, Sendable, CustomStringConvertible {
    /// One right on a repository.
    package enum Action: String, Sendable, CaseIterable {
        case pull, push, delete
    }

    package let repository: Repository
    package let actions: Set<Action>
    /// Other repositories that have to be read for it: a blob is to be mounted from there.
    var sources: [Repository] = []

    package init(_ repository: Repository, _ actions: Set<Action>) {
        self.repository = repository
        self.actions = actions
    }

    /// Whether a token for this scope is good for another one.
    func covers(_ other: Scope) -> Bool {
        repository == other.repository && actions.isSuperset(of: other.actions)
            && other.sources.allSatisfy(sources.contains)
    }

    /// The scopes that a token service is asked for, one for each repository.
    var items: [String] { [description] + sources.map { Scope($0, [.pull]).description } }

    /// As a token service reads it: `repository:acme/auth:pull,push`.
    package var description: String {
        let names = Action.allCases.filter(actions.contains).map(\.rawValue).joined(separator: ",")
        return "repository:\(repository):\(names)"
    }
}
