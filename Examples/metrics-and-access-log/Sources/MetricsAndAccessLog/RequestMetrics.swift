// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// What the statistics of the proxy tell about requests.
///
/// The names are made of what the proxy's configuration says and of the first digit of the status, never of what a
/// client sends: metrics stay until the proxy ends, and anybody could make new ones.
final class RequestMetrics {
    let inFlight: Gauge
    private let duration: Histogram
    private var routes: [Route] = []

    private struct Route {
        let name: Bytes
        /// One for each first digit of a status, from 0, which stands for none.
        var counters: [Counter?]
    }

    init() throws(HostError) {
        inFlight = try Gauge("http.in_flight")
        duration = try Histogram("http.duration_us")
    }

    func count(route: Bytes, status: Int64, microseconds: Int64) throws(HostError) {
        try duration.record(UInt64(max(microseconds, 0)))
        try counter(route: route, digit: (0..<1000).contains(status) ? Int(status / 100) : 0).increment()
    }

    /// Looks a counter up, or defines it: that costs a call of the proxy, and it would compare the name with many.
    private func counter(route: Bytes, digit: Int) throws(HostError) -> Counter {
        var index = routes.startIndex
        while index < routes.endIndex, routes[index].name != route { index += 1 }
        if index == routes.endIndex {
            routes.append(Route(name: route, counters: Array(repeating: nil, count: 10)))
        }
        if let counter = routes[index].counters[digit] { return counter }
        let name: Bytes = route.isEmpty ? "unnamed" : route
        let counter = try Counter("http.requests.\(name).\(digit)xx")
        routes[index].counters[digit] = counter
        return counter
    }
}
