// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird

/// Somebody who looks at a page.
struct Visit: Sendable {
    /// The hub as this visitor may see it.
    let registry: Registry
    let principal: Principal
    /// The address that the hub was found at, as in commands that are shown.
    let host: String
    /// Where pages and feeds say that the hub is, as in "https://hub.example.com".
    var base = ""
    /// Whether that was configured, so that it is the same for everybody.
    var hasPublicAddress = false
    /// The path and the query that were asked for, as they came.
    let address: String
    /// Whether there are accounts to sign in to.
    var canSignIn = false
    /// Whether the visitor runs the hub; what each page shows is decided by each page anew.
    var isAdmin = false

    init(_ request: Request, _ registry: Registry, _ principal: Principal) {
        self.registry = registry.acting(for: principal)
        self.principal = principal
        host = request.head.authority ?? "localhost"
        address = request.head.path ?? "/"
    }

    /// Whether the visitor said who it is.
    var isSignedIn: Bool { principal.account != nil }
}
