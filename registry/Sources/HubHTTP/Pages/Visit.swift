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

    init(_ request: Request, _ registry: Registry, _ principal: Principal) {
        self.registry = registry.acting(for: principal)
        self.principal = principal
        host = request.head.authority ?? "localhost"
    }
}
