// SPDX-License-Identifier: Apache-2.0

import Hub
import HubFacts
import Logging
import ServiceLifecycle

/// Reads what was pushed, beside the server.
struct Indexing: Service {
    let registry: Registry
    let logger: Logger

    func run() async throws {
        let indexer = FactIndexer(registry, FilterReader(), logger: logger)
        await cancelWhenGracefulShutdown { await indexer.run() }
    }
}
