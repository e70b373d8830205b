// SPDX-License-Identifier: Apache-2.0

import Diagnostics
package import OCI

/// Somebody, or something, that may own repositories and have rights.
package struct Account: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case user
        /// Logs in with tokens only; belongs to an organisation or a user.
        case robot
        /// Owns repositories and robots, and does not log in.
        case organisation
    }

    package let id: AccountID
    package let name: AccountName
    package let kind: Kind
    /// Whether it may do everything in this hub.
    package let isAdmin: Bool
    package let isDisabled: Bool
    /// Seconds since 1970.
    package let createdAt: Int64

    package init(
        id: AccountID, name: AccountName, kind: Kind, isAdmin: Bool, isDisabled: Bool, createdAt: Int64
    ) {
        self.id = id
        self.name = name
        self.kind = kind
        self.isAdmin = isAdmin
        self.isDisabled = isDisabled
        self.createdAt = createdAt
    }
}

/// The name of an account: one part of a repository's path, as in `acme`; for a robot that of its owner and its own, as
/// in `acme+builder`.
package struct AccountName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let description: String

    private static let longest = 64

    package init(_ text: some StringProtocol) throws(HubError) {
        let parts = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ Self.isPart($0) }) else {
            throw HubError(
                .accountInvalid, "\"\(text.prefix(80))\" is not the name of an account",
                hint: "names are lower-case letters and digits, separated by . _ or -", category: .usage)
        }
        description = String(text)
    }

    private static func isPart(_ text: some StringProtocol) -> Bool {
        text.utf8.count <= longest && !text.contains("/") && (try? Repository(text)) != nil
    }

    /// For a robot, whose it is.
    package var owner: AccountName? {
        guard let plus = description.firstIndex(of: "+") else { return nil }
        return try? AccountName(description[..<plus])
    }

    package static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

/// What can change in an account.
package enum AccountChange: Hashable, Sendable {
    /// A new hash of the password; tokens that were kept instead of the old one are revoked, and sessions end.
    case password(String)
    case isAdmin(Bool)
    case isDisabled(Bool)
}

/// Where a role counts.
package enum RoleTarget: Hashable, Sendable, CustomStringConvertible {
    /// In all repositories of an organisation.
    case organisation(AccountName)
    case repository(Repository)

    package var description: String {
        switch self {
        case .organisation(let name): name.description
        case .repository(let repository): repository.path
        }
    }
}

/// Something that runs a hub, rather than a repository, and needs a right.
package enum ManagementAction: Hashable, Sendable {
    /// To add and remove users and organisations, and to see what everybody did.
    case hub
    /// To change who may do what in an organisation, or what belongs to a user.
    case organisation(AccountName)
    /// To see what belongs to an organisation or a user, as those do who have any role there.
    case membership(AccountName)
    /// To change an account's own things: its password, its tokens.
    case account(AccountName)
}

extension HubError.Code {
    package static let accountInvalid = Self("NAME_INVALID", kind: "account")
    package static let accountUnknown = Self("NAME_UNKNOWN", kind: "account")
    package static let accountExists = Self("NAME_EXISTS")
    package static let tokenUnknown = Self("TOKEN_UNKNOWN")
    package static let sessionUnknown = Self("SESSION_UNKNOWN")
    package static let tokenInvalid = Self("TOKEN_INVALID")
    package static let passwordInvalid = Self("PASSWORD_INVALID")
    /// Too many attempts; the detail says how many seconds to wait.
    package static let tooManyRequests = Self("TOOMANYREQUESTS")
    /// The credentials are wrong.
    package static let badCredentials = Self("UNAUTHORIZED", kind: "credentials")
}

extension HubError {
    package static func unknown(_ account: AccountName) -> Self {
        Self(.accountUnknown, "account \"\(account)\" is not known", detail: account.description)
    }
}
