// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// How many files and sockets the process may have open, and how many connections and requests that is enough for.
///
/// A process without a descriptor left does more than refuse a connection: the threads of the runtime need some of their
/// own, and it ends when they get none. So clients never get the last ones.
package struct OpenFiles: Hashable, Sendable {
    /// Descriptors in all.
    package let limit: Int
    /// Those of the hub's own: the database, event loops, other registries, the log.
    private let reserved: Int
    /// An answer reads from a file, an upload writes one and makes its folder durable.
    private static let perRequest = 2
    /// As many as any machine needs, where the system sets no limit.
    private static let most: rlim_t = 1 << 20

    /// `processors` are those that connections are shared out among.
    package init(limit: Int, processors: Int) {
        self.limit = limit
        reserved = 64 + 8 * processors
    }

    /// Raises the process's limit as far as it may without anybody's leave.
    package static func raised(processors: Int) -> OpenFiles {
        var limits = Self.limits
        let wanted = min(limits.rlim_max, most)
        if limits.rlim_cur < wanted {
            limits.rlim_cur = wanted
            // Whatever it says: what counts is what is asked for below.
            _ = setrlimit(resource, &limits)
        }
        return OpenFiles(limit: current, processors: processors)
    }

    /// The process's limit.
    static var current: Int { Int(clamping: limits.rlim_cur) }

    private static var limits: rlimit {
        var limits = rlimit()
        // It fails for a resource that is not known only.
        _ = getrlimit(resource, &limits)
        return limits
    }

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif

    /// The limits, lowered to what there are descriptors for.
    package func fit(_ limits: ConnectionLimits) -> ConnectionLimits {
        let free = max(limit - reserved, 24)
        func lowered(_ number: Int, _ most: Int) -> Int { number == 0 ? most : min(number, most) }
        var fitting = limits
        // No fewer connections than requests, which come by them.
        fitting.requests = lowered(limits.requests, max(free / (2 * Self.perRequest), 6))
        fitting.connections = lowered(limits.connections, free - Self.perRequest * fitting.requests)
        return fitting
    }
}
