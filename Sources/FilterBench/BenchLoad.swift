// SPDX-License-Identifier: Apache-2.0

import EnvoyControl

/// The requests that a measurement sends.
package struct BenchLoad: Hashable, Sendable {
    package var method = "GET"
    package var path = "/"
    package var headers: [Header] = []
    package var body: [UInt8] = []
    /// Connections that each send the next request when they have the answer to the last.
    package var connections = 16

    package struct Header: Hashable, Sendable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init() {}

    /// The bytes of one request (RFC 9112).
    /// - Throws: `BenchError` if it would be more or less than one.
    func message(to address: HostPort) throws -> [UInt8] {
        for text in [method, path] + headers.flatMap({ [$0.name, $0.value] })
        where text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
            throw BenchError(
                .invalid, "\"\(text)\" cannot stand in the head of a request: it has a control character",
                hint: "give methods, paths and headers of printable characters")
        }
        guard path.hasPrefix("/"), !path.contains(" ") else {
            throw BenchError(.invalid, "\"\(path)\" is no path of a request", hint: "as in /api/items?id=7")
        }
        guard !method.isEmpty, method.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw BenchError(.invalid, "\"\(method)\" is no method of HTTP", hint: "as in GET or POST")
        }
        var head = "\(method) \(path) HTTP/1.1\r\n"
        if !has("host") { head += "host: \(address)\r\n" }
        if !body.isEmpty, !has("content-length") { head += "content-length: \(body.count)\r\n" }
        for header in headers { head += "\(header.name): \(header.value)\r\n" }
        return Array("\(head)\r\n".utf8) + body
    }

    private func has(_ name: String) -> Bool { headers.contains { $0.name.lowercased() == name } }
}

/// What came of sending requests for a while.
package struct LoadOutcome: Sendable {
    /// Seconds that it took.
    package var seconds: Double = 0
    /// Nanoseconds from a request's first byte to its answer's last, in ascending order.
    package var latencies: [UInt64] = []
    /// How many answers had which status.
    package var statuses: [Int: Int] = [:]
    /// How often a connection ended without an answer.
    package var brokenConnections = 0

    package var requests: Int { latencies.count }
    package var rate: Double { seconds > 0 ? Double(requests) / seconds : 0 }

    /// The latency that a share of the requests did not exceed, in seconds; 0 without requests.
    package func quantile(_ share: Double) -> Double {
        guard let last = latencies.last else { return 0 }
        let index = Int((share * Double(latencies.count)).rounded(.up)) - 1
        let latency = latencies.indices.contains(index) ? latencies[index] : last
        return Double(latency) / 1e9
    }
}
