// SPDX-License-Identifier: Apache-2.0

import Diagnostics
package import OCI

/// What a hub asks of those who come.
package struct AccessPolicy: Hashable, Sendable {
    /// Whether whoever reaches the hub may do anything.
    package var isOpen: Bool
    /// Whether public repositories can be read without an account.
    package var allowsAnonymousPull: Bool
    /// Repositories that are public though they may not be there yet, as in `hub/*`.
    package var publicPatterns: [String] = []

    package init(isOpen: Bool, allowsAnonymousPull: Bool) {
        self.isOpen = isOpen
        self.allowsAnonymousPull = allowsAnonymousPull
    }

    fileprivate func makesPublic(_ repository: Repository) -> Bool {
        publicPatterns.contains { Scope(repositories: $0, actions: []).covers(repository) }
    }

    package static let open = Self(isOpen: true, allowsAnonymousPull: true)
}

/// What a decision rests on, all of one moment: the transaction that the decision is made for.
package protocol AccessFacts {
    /// Whether an account is in use, and so is the token that somebody came with.
    func isActive(_ account: AccountID, token: TokenID?) throws -> Bool
    /// Whether an account may do everything.
    func isAdmin(_ account: AccountID) throws -> Bool
    /// The highest role of an account in a repository, by whatever way it has it.
    func role(of account: AccountID, in repository: Repository) throws -> Role?
    /// The role of an account in an organisation or another's name space.
    func role(of account: AccountID, inOrganisation name: AccountName) throws -> Role?
    /// Whether everybody may read a repository; false for one that is not there.
    func isPublic(_ repository: Repository) throws -> Bool
}

/// A principal under the rules of a hub: the one place that decides who may do what.
///
/// A repository that somebody may not read is to him as one that is not there: the same decision, made of the same
/// facts, gives the same answer for both.
package struct Access: Hashable, Sendable {
    package let policy: AccessPolicy
    package let principal: Principal

    package init(_ policy: AccessPolicy, _ principal: Principal) {
        self.policy = policy
        self.principal = principal
    }

    /// Whether nothing is refused, so that no fact need be looked up.
    package var isUnlimited: Bool {
        principal.bounds == nil && (policy.isOpen || principal.identity == .host)
    }

    /// Refuses an action that the principal has no right to.
    ///
    /// `tags` are those that it would set or remove.
    package func authorize(
        _ action: RepositoryAction, _ repository: Repository, tags: [Tag] = [], facts: some AccessFacts
    ) throws {
        if let refusal = try refusal(of: action, repository, tags, facts) { throw refusal }
    }

    /// Whether an action would be allowed.
    package func allows(
        _ action: RepositoryAction, _ repository: Repository, facts: some AccessFacts
    ) throws -> Bool {
        try refusal(of: action, repository, [], facts) == nil
    }

    /// Whether only the session stands in the way of an action: another one, opened for more, would allow it.
    ///
    /// `token` is all that the access token is good for that the session was opened with; nil if there was none, or if it
    /// has no limits.
    package func needsWiderSession(
        for action: RepositoryAction, _ repository: Repository, token: [Scope]?, facts: some AccessFacts
    ) throws -> Bool {
        guard try refusal(of: action, repository, [], facts)?.code == .insufficientScope else { return false }
        return token.map { Bounds(.token, $0).allow(action, repository) } ?? true
    }

    /// The same party with all that its session could have been opened for.
    package var beyondSession: Access {
        guard principal.bounds?.kind == .session else { return self }
        return Access(
            policy, Principal(principal.identity, token: principal.token, address: principal.address))
    }

    /// Refuses to let somebody in who has to say first who it is.
    package func authorizeEntry() throws {
        guard !policy.isOpen, principal.identity == .anonymous, principal.bounds == nil else { return }
        throw HubError.needsLogIn
    }

    /// Refuses a list of repositories, each of which is decided upon its own.
    package func authorizeCatalog(facts: some AccessFacts) throws {
        if isUnlimited { return }
        if !policy.isOpen, let account = principal.account,
            try !facts.isActive(account, token: principal.token)
        {
            throw HubError.needsLogIn
        }
        if !policy.allowsAnonymousPull, principal.identity == .anonymous {
            throw HubError(
                .unauthorized, "the list of repositories needs a log-in", detail: "registry:catalog:*",
                category: .denied)
        }
        guard principal.bounds?.coversCatalog ?? true else {
            throw HubError(
                .insufficientScope, "the token does not cover the list of repositories",
                detail: "registry:catalog:*", category: .denied)
        }
    }

    /// Refuses to let the hub be changed by somebody who has no right to that.
    ///
    /// An organisation or an account that is none of the principal's business is to it as one that is not there.
    package func authorize(_ action: ManagementAction, facts: some AccessFacts) throws {
        if isUnlimited { return }
        // Whoever holds a token for some repositories does not run the hub with it.
        let account = principal.bounds == nil ? principal.account : nil
        guard let account, try facts.isActive(account, token: principal.token) else {
            throw principal.identity == .anonymous || principal.bounds == nil
                ? HubError.needsLogIn : .mayNotManage
        }
        if try facts.isAdmin(account) { return }
        switch action {
        case .hub: throw HubError.mayNotManage
        case .organisation(let name):
            let role = try facts.role(of: account, inOrganisation: name)
            guard role != .admin else { return }
            throw role == nil ? HubError.unknown(name) : .mayNotManage
        case .membership(let name):
            guard try facts.role(of: account, inOrganisation: name) != nil else {
                throw HubError.unknown(name)
            }
        case .account(let name):
            if name.description == principal.name { return }
            if let owner = name.owner, try facts.role(of: account, inOrganisation: owner) == .admin { return }
            throw HubError.unknown(name)
        }
    }

    private func refusal(
        of action: RepositoryAction, _ repository: Repository, _ tags: [Tag], _ facts: some AccessFacts
    ) throws -> HubError? {
        if isUnlimited { return nil }
        if let account = principal.account, !policy.isOpen,
            try !facts.isActive(account, token: principal.token)
        {
            return .unauthorized(action, repository)
        }
        guard try isEntitled(action, repository, facts) else { return refusal(action, repository, tags) }
        guard let bounds = principal.bounds, !bounds.allow(action, repository) else { return nil }
        return switch bounds.kind {
        case .session: .insufficientScope(action, repository)
        case .token: refusal(action, repository, tags)
        }
    }

    /// Whether the identity has the right, whatever the credential carries of it.
    private func isEntitled(
        _ action: RepositoryAction, _ repository: Repository, _ facts: some AccessFacts
    ) throws -> Bool {
        if policy.isOpen || principal.identity == .host { return true }
        if action == .pull, policy.allowsAnonymousPull || principal.account != nil,
            try policy.makesPublic(repository) || facts.isPublic(repository)
        {
            return true
        }
        guard let account = principal.account else { return false }
        return try facts.role(of: account, in: repository)?.allows(action) ?? false
    }

    private func refusal(_ action: RepositoryAction, _ repository: Repository, _ tags: [Tag]) -> HubError {
        switch principal.identity {
        case .anonymous: .unauthorized(action, repository)
        case .host: .denied("the hub itself", action, repository, tags)
        case .account(_, let name):
            action == .pull
                ? .unknown(repository) : .denied("account \"\(name)\"", action, repository, tags)
        }
    }
}

extension HubError.Code {
    /// Who asks must say who they are.
    package static let unauthorized = Self("UNAUTHORIZED")
    /// The token was made for less than this, and another one may be had.
    package static let insufficientScope = Self("UNAUTHORIZED", kind: "scope")
    /// Whoever asks is known, and has no right to this.
    package static let denied = Self("DENIED")
}

extension HubError {
    fileprivate static let needsLogIn = Self(.unauthorized, "this needs a log-in", category: .denied)
    fileprivate static let mayNotManage = Self(
        .denied, "this needs the rights of an administrator", category: .denied)

    fileprivate static func unauthorized(_ action: RepositoryAction, _ repository: Repository) -> Self {
        Self(
            .unauthorized, "\(action.rawValue) of repository \"\(repository)\" needs a log-in",
            detail: "repository:\(repository):\(action.scopeActions)", category: .denied)
    }

    fileprivate static func insufficientScope(_ action: RepositoryAction, _ repository: Repository) -> Self {
        Self(
            .insufficientScope,
            "the token does not cover \(action.rawValue) of repository \"\(repository)\"",
            detail: "repository:\(repository):\(action.scopeActions)", category: .denied)
    }

    fileprivate static func denied(
        _ who: String, _ action: RepositoryAction, _ repository: Repository, _ tags: [Tag]
    ) -> Self {
        let tags = tags.isEmpty ? "" : " (\(tags.map(\.name).joined(separator: ", ")))"
        return Self(
            .denied, "\(who) has no right to \(action.rawValue) in repository \"\(repository)\"\(tags)",
            hint: "ask an administrator of the repository for it", category: .denied)
    }
}

extension HubError {
    /// The same refusal of a mount; a client that another session would help is told to open one for both repositories.
    package func ofMount(from source: Repository, to target: Repository) -> Self {
        guard code == .unauthorized || code == .insufficientScope else { return self }
        let scopes = [(RepositoryAction.push, target), (.pull, source)].map {
            "repository:\($1):\($0.scopeActions)"
        }
        return Self(code, message, detail: scopes.joined(separator: " "), hint: hint, category: category)
    }
}

extension RepositoryAction {
    /// What a client should ask for that wants to do this: pushing reads what is there already.
    package var scopeActions: String { self == .push ? "pull,push" : rawValue }
}
