// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hub
import Hummingbird

/// Somebody who looks at a page.
struct Visit: Sendable {
    /// The hub as this visitor may see it.
    let registry: Registry
    /// Its accounts, as this visitor may manage them.
    let directory: Directory
    let principal: Principal
    /// The address that the hub was found at, as in commands that are shown.
    var host: String
    /// Where pages and feeds say that the hub is, as in "https://hub.example.com".
    var base = ""
    /// Whether that was configured, so that it is the same for everybody.
    var hasPublicAddress = false
    /// The path and the query that were asked for, as they came.
    let address: String
    /// The session that the visitor is signed in by, if it is by one.
    let session: BrowserSession?
    /// What the forms of the page are bound to.
    let form: FormKey
    let cookies: PageCookies
    /// Whether there are accounts to sign in to.
    let canSignIn: Bool
    /// Whether the visitor runs the hub, for what is shown; what is done is decided where it is done.
    var isAdmin = false

    init(_ request: Request, _ registry: Registry, _ gatekeeper: Gatekeeper, _ arrival: Arrival) {
        principal = arrival.principal
        self.registry = registry.acting(for: principal)
        directory = gatekeeper.directory(for: principal)
        host = request.head.authority ?? "localhost"
        address = request.head.path ?? "/"
        session = arrival.session
        cookies = arrival.cookies
        form = FormKey(arrival.secret ?? cookies.value(.form, request))
        canSignIn = !gatekeeper.policy.isOpen
    }

    /// Whether the visitor said who it is.
    var isSignedIn: Bool { principal.account != nil }

    /// Refuses whoever has not said who it is, as far as there is anybody to be.
    func requireAccount() throws {
        guard !isSignedIn, canSignIn else { return }
        throw HubError(.unauthorized, "this page is for people who are signed in", category: .denied)
    }
}
