// SPDX-License-Identifier: Apache-2.0

import Hub
import Logging
import NIOCore
private import Synchronization

/// The hot path of each event loop, made when its first connection comes.
final class HotPaths: Sendable {
    private let registry: Registry
    private let gatekeeper: Gatekeeper
    private let operation: HubOperation
    private let cache = ContentCache()
    private let sendsFiles: Bool
    private let logger: Logger
    private let count = Atomic(0)
    /// Requests that were answered so far.
    var answered: Int { count.load(ordering: .relaxed) }
    func noteAnswer() { count.add(1, ordering: .relaxed) }
    private let paths = Mutex<[ObjectIdentifier: NIOLoopBound<HotPath>]>([:])

    /// `sendsFiles` says whether what is written reaches the socket as it is, without encryption.
    init(
        _ registry: Registry, _ gatekeeper: Gatekeeper, _ operation: HubOperation, sendsFiles: Bool,
        logger: Logger
    ) {
        self.registry = registry
        self.gatekeeper = gatekeeper
        self.operation = operation
        self.sendsFiles = sendsFiles
        self.logger = logger
    }

    /// The path of the loop that this is called on; nil if there can be none now, and all requests go the longer way.
    func path(on eventLoop: any EventLoop) -> HotPath? {
        paths.withLock { paths in
            let key = ObjectIdentifier(eventLoop)
            if let path = paths[key] { return path.value }
            do {
                let path = HotPath(
                    registry, gatekeeper, operation, cache, try registry.immediateReads(),
                    sendsFiles: sendsFiles
                ) { [unowned self] in noteAnswer() }
                paths[key] = NIOLoopBound(path, eventLoop: eventLoop)
                return path
            } catch {
                logger.warning("no hot path for a connection", metadata: ["error": "\(error)"])
                return nil
            }
        }
    }

    /// Lets go of the store, once there are no more connections.
    func close() async {
        let paths = paths.withLock { paths in
            defer { paths = [:] }
            return Array(paths.values)
        }
        for path in paths {
            // The loop may have ended before, and the path with it.
            try? await path.eventLoop.submit { path.value.close() }.get()
        }
    }
}
