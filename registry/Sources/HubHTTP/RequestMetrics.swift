// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
private import Synchronization

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// How one request ended.
package struct RequestOutcome: Sendable {
    package var route: RouteClass
    /// Nil for what was refused before it was a request.
    package var method: HTTPRequest.Method?
    package var status: Int
    /// From the request's head to the last byte of the answer.
    package var nanoseconds: UInt64
    /// Bytes of the bodies.
    package var received: Int64
    package var sent: Int64

    package init(
        route: RouteClass, method: HTTPRequest.Method?, status: Int, nanoseconds: UInt64, received: Int64 = 0,
        sent: Int64 = 0
    ) {
        self.route = route
        self.method = method
        self.status = status
        self.nanoseconds = nanoseconds
        self.received = received
        self.sent = sent
    }
}

/// Counts requests.
///
/// Every thread adds to one of several copies of a table, so that cores do not fight for its cache lines; whoever reads
/// adds the copies up.
package final class RequestMetrics: Sendable {
    /// Upper bounds of the histogram of durations, in seconds.
    static let bounds: [Double] = [
        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60,
    ]
    private static let boundsInNanoseconds = bounds.map { UInt64($0 * 1e9) }
    static let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "other"]
    /// The statuses that the hub gives; any other is counted by the last one, 0.
    static let statuses = [
        200, 201, 202, 204, 206, 302, 303, 304, 400, 401, 403, 404, 405, 408, 409, 412, 413, 416, 429, 431,
        500, 502, 503, 507, 0,
    ]

    // Where things are in a table.
    private static let pairs = RouteClass.allCases.count * methods.count
    private static let durations = pairs * statuses.count
    private static let sums = durations + pairs * (bounds.count + 1)
    private static let received = sums + pairs
    private static let sent = received + RouteClass.allCases.count
    private static let begun = sent + RouteClass.allCases.count
    private static let ended = begun + 1
    private static let width = (ended + 1 + 7) & ~7

    private nonisolated(unsafe) let cells: UnsafeMutablePointer<Atomic<Int>>
    private let copies: Int

    package init() {
        let cores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        copies = min(8, cores <= 1 ? 1 : 1 << (Int.bitWidth - (cores - 1).leadingZeroBitCount))
        let space = UnsafeMutableRawPointer.allocate(
            byteCount: copies * Self.width * MemoryLayout<Atomic<Int>>.stride, alignment: 64)
        cells = space.bindMemory(to: Atomic<Int>.self, capacity: copies * Self.width)
        for index in 0..<copies * Self.width { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit { UnsafeMutableRawPointer(cells).deallocate() }

    /// Notes that a request has come, which is under way until `end`.
    package func begin() { add(1, Self.begun, table) }

    /// Notes that a request has ended.
    package func end(_ outcome: RequestOutcome) {
        let table = table
        let pair = outcome.route.index * Self.methods.count + Self.index(of: outcome.method)
        add(1, pair * Self.statuses.count + Self.index(ofStatus: outcome.status), table)
        let bucket =
            Self.boundsInNanoseconds.firstIndex { outcome.nanoseconds <= $0 } ?? Self.bounds.count
        add(1, Self.durations + pair * (Self.bounds.count + 1) + bucket, table)
        add(Int(clamping: outcome.nanoseconds), Self.sums + pair, table)
        if outcome.received > 0 { add(Int(outcome.received), Self.received + outcome.route.index, table) }
        if outcome.sent > 0 { add(Int(outcome.sent), Self.sent + outcome.route.index, table) }
        add(1, Self.ended, table)
    }

    /// Requests that are under way.
    package var inFlight: Int { total(Self.begun) - total(Self.ended) }

    /// Requests that have ended.
    package var counted: Int { total(Self.ended) }

    /// Where this thread's copy begins.
    private var table: Int {
        // Threads differ in where their stacks are; the lowest bits do not.
        let thread = UInt(pthread_self()) >> 12
        return Int((thread &* 0x9E37_79B9_7F4A_7C15) >> 56) & (copies - 1)
    }

    private func add(_ value: Int, _ cell: Int, _ table: Int) {
        cells[table * Self.width + cell].wrappingAdd(value, ordering: .relaxed)
    }

    private func total(_ cell: Int) -> Int {
        var sum = 0
        for copy in 0..<copies { sum &+= cells[copy * Self.width + cell].load(ordering: .relaxed) }
        return sum
    }

    private static func index(of method: HTTPRequest.Method?) -> Int {
        switch method {
        case .get: 0
        case .head: 1
        case .post: 2
        case .put: 3
        case .patch: 4
        case .delete: 5
        default: 6
        }
    }

    private static let statusIndex: [UInt8] = {
        var table = [UInt8](repeating: UInt8(statuses.count - 1), count: 600)
        for (index, status) in statuses.enumerated() where status > 0 { table[status] = UInt8(index) }
        return table
    }()

    private static func index(ofStatus status: Int) -> Int {
        (0..<600).contains(status) ? Int(statusIndex[status]) : statuses.count - 1
    }
}

extension RequestMetrics {
    /// Writes what was counted; combinations that never came are left out.
    func write(to text: inout PrometheusText) {
        text.family("wasme_hub_http_requests_total", .counter, "Requests that were answered.")
        each { pair, labels in
            for (index, status) in Self.statuses.enumerated() {
                let count = total(pair * Self.statuses.count + index)
                guard count > 0 else { continue }
                text.sample(
                    "wasme_hub_http_requests_total",
                    labels + [("code", status == 0 ? "other" : "\(status)")], Double(count))
            }
        }
        let duration = "wasme_hub_http_request_duration_seconds"
        text.family(duration, .histogram, "Time from a request's head to the end of its answer.")
        each { pair, labels in
            let counts = (0...Self.bounds.count).map { bucket in
                total(Self.durations + pair * (Self.bounds.count + 1) + bucket)
            }
            text.histogram(
                duration, labels, bounds: Self.bounds, counts: counts,
                sum: Double(total(Self.sums + pair)) / 1e9
            )
        }
        for (name, help, base) in [
            ("wasme_hub_http_request_body_bytes_total", "Bytes of the bodies of requests.", Self.received),
            ("wasme_hub_http_response_body_bytes_total", "Bytes of the bodies of answers.", Self.sent),
        ] {
            text.family(name, .counter, help)
            for route in RouteClass.allCases where total(base + route.index) > 0 {
                text.sample(name, [("route", route.rawValue)], Double(total(base + route.index)))
            }
        }
        text.family("wasme_hub_http_requests_in_flight", .gauge, "Requests that are under way.")
        text.sample("wasme_hub_http_requests_in_flight", [], Double(inFlight))
    }

    /// Calls for each pair of a route and a method that has come.
    private func each(_ body: (_ pair: Int, _ labels: [(String, String)]) -> Void) {
        for route in RouteClass.allCases {
            for (index, method) in Self.methods.enumerated() {
                let pair = route.index * Self.methods.count + index
                let hasCome = Self.statuses.indices.contains { total(pair * Self.statuses.count + $0) > 0 }
                if hasCome { body(pair, [("route", route.rawValue), ("method", method)]) }
            }
        }
    }
}
