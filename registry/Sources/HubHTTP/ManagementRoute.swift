// SPDX-License-Identifier: Apache-2.0

import Hub
import OCI

/// What a path below `/api/v1/` means.
///
/// Names of repositories contain slashes, so that theirs are read from the right.
enum ManagementRoute: Hashable {
    case account
    case password
    case users
    case user(AccountName)
    case tokens(AccountName)
    case token(AccountName, String)
    case sessions(AccountName)
    case session(AccountName, String)
    case organisations
    case organisation(AccountName)
    case robots(AccountName)
    case repositories(AccountName)
    case members(RoleTarget)
    case member(RoleTarget, AccountName)
    case visibility(Repository)
    case audit
    case storage
    case collection
    case settings

    init(_ path: [String]) throws {
        let count = path.count
        func name(_ index: Int) throws -> AccountName { try AccountName(path[index]) }
        func repository(_ dropping: Int) throws -> Repository {
            try RegistryRoute.repository(path[1..<(count - dropping)].joined(separator: "/"))
        }
        switch (path.first, count) {
        case ("account", 1): self = .account
        case ("account", 2) where path[1] == "password": self = .password
        case ("audit", 1): self = .audit
        case ("storage", 1): self = .storage
        case ("collection", 1): self = .collection
        case ("settings", 1): self = .settings
        case ("users", 1): self = .users
        case ("users", 2): self = .user(try name(1))
        case ("users", 3) where path[2] == "tokens": self = .tokens(try name(1))
        case ("users", 4) where path[2] == "tokens": self = .token(try name(1), path[3])
        case ("users", 3) where path[2] == "sessions": self = .sessions(try name(1))
        case ("users", 4) where path[2] == "sessions": self = .session(try name(1), path[3])
        case ("users", 3) where path[2] == "repositories": self = .repositories(try name(1))
        case ("organisations", 1): self = .organisations
        case ("organisations", 2): self = .organisation(try name(1))
        case ("organisations", 3) where path[2] == "robots": self = .robots(try name(1))
        case ("organisations", 3) where path[2] == "repositories": self = .repositories(try name(1))
        case ("organisations", 3) where path[2] == "members":
            self = .members(.organisation(try name(1)))
        case ("organisations", 4) where path[2] == "members":
            self = .member(.organisation(try name(1)), try name(3))
        case ("repositories", 3...) where path[count - 1] == "visibility":
            self = .visibility(try repository(1))
        case ("repositories", 3...) where path[count - 1] == "members":
            self = .members(.repository(try repository(1)))
        case ("repositories", 4...) where path[count - 2] == "members":
            self = .member(.repository(try repository(2)), try name(count - 1))
        default: throw HubError(.noSuchPath, "the hub's API has no such path")
        }
    }
}
