// SPDX-License-Identifier: Apache-2.0

import Hub
import HubHTTP

extension HubConfiguration {
    static let limits: [Setting] = [
        Setting(
            key: "limits.blob-size", meaning: "Bytes of the largest blob; 500M and 10G are understood.",
            standard: "10G",
            set: { (hub, text) throws(Problem) in hub.limits.blobSize = try bytes(text) }),
        Setting(
            key: "limits.page-length", meaning: "Entries of the longest page of a list.", standard: "1000",
            set: { (hub, text) throws(Problem) in hub.limits.pageLength = try number(text, 1...10_000) }),
        Setting(
            key: "limits.upload-days",
            meaning: "Days after which an upload that was never finished is forgotten.",
            standard: "7",
            set: { (hub, text) throws(Problem) in
                hub.limits.uploadLifetime = Int64(try number(text, 1...3650)) * 86400
            }),
        Setting(
            key: "limits.free-space",
            meaning:
                "Bytes to be left free on the disk: an upload that would take them is refused; 0 for none.",
            standard: "256M",
            set: { (hub, text) throws(Problem) in hub.limits.freeSpace = text == "0" ? 0 : try bytes(text) }),
        count(
            "limits.connections", "Connections that may be open at once; 0 for any number.",
            \.connections, "8192", 0...1_000_000),
        count(
            "limits.connections-per-address",
            "Connections of one address, unless it is a trusted proxy's; 0 for any number.",
            \.connectionsPerAddress, "1024", 0...1_000_000),
        count(
            "limits.requests",
            "Requests that are answered at once, beyond which they are refused with 503; 0 for any number.",
            \.requests, "1024", 0...1_000_000),
        Setting(
            key: "limits.header-size", meaning: "Bytes of a request's line and headers.", standard: "64K",
            set: { (hub, text) throws(Problem) in
                let size = try bytes(text)
                guard (1024...16 << 20).contains(size) else {
                    throw Problem(text: "\"\(text)\" is not from 1K to 16M")
                }
                hub.connections.headerBytes = Int(size)
            }),
        count("limits.header-count", "Headers of a request.", \.headerCount, "100", 10...10_000),
        time(
            "limits.head-time",
            "Time in which a request's line and headers must arrive once they have begun to.", \.headTime,
            "15s"),
        time(
            "limits.body-time", "Time without a byte after which a request's body is given up.", \.bodyTime,
            "60s"),
        time(
            "limits.send-time", "Time after which a client that takes nothing of its answer is given up.",
            \.sendTime, "60s"),
        time("limits.idle-time", "Time that a connection may wait for another request.", \.idleTime, "60s"),
    ]

    private static func count(
        _ key: String, _ meaning: String, _ path: any WritableKeyPath<ConnectionLimits, Int> & Sendable,
        _ standard: String, _ range: ClosedRange<Int>
    ) -> Setting {
        Setting(
            key: key, meaning: meaning, standard: standard,
            set: { (hub, text) throws(Problem) in hub.connections[keyPath: path] = try number(text, range) })
    }

    private static func time(
        _ key: String, _ meaning: String, _ path: any WritableKeyPath<ConnectionLimits, Duration> & Sendable,
        _ standard: String
    ) -> Setting {
        Setting(
            key: key, meaning: meaning, standard: standard,
            set: { (hub, text) throws(Problem) in
                hub.connections[keyPath: path] = .seconds(try seconds(text, 1...86_400))
            })
    }
}
