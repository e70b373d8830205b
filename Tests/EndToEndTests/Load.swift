// SPDX-License-Identifier: Apache-2.0

import Files
import SystemPackage
import TestSupport
import Testing

/// Requests in great numbers, sent by wrk, and what they leave in Envoy's memory.
struct Load {
    let address: String
    /// Envoy's.
    let pid: Int32
    /// What wrk is told beyond the address.
    var options: [String] = []
    /// How many requests were answered so far.
    private(set) var sent = 0

    init(address: String, pid: Int32, options: [String] = []) {
        self.address = address
        self.pid = pid
        self.options = options
    }

    /// Sends at least so many requests more, in bounded rounds; every answer must be a good one.
    mutating func send(_ requests: Int) async throws {
        let wrk = try #require(Tool.wrk.path)
        let target = sent + requests
        let deadline = ContinuousClock.now + .seconds(120 + requests / 500)
        while sent < target {
            try #require(ContinuousClock.now < deadline, "only \(sent) of \(target) requests")
            let outcome = try await run(wrk, ["-t1", "-c8", "-d1s"] + options + ["http://\(address)/"])
            let line = try #require(
                outcome.stdout.split(separator: "\n").first { $0.contains("requests in") }, "\(outcome)")
            sent += try #require(Int(line.split(separator: " ")[0]))
            #expect(!outcome.stdout.contains("Non-2xx"), "\(outcome.stdout)")
        }
    }

    /// Envoy's resident memory.
    func residentKilobytes() throws -> Int {
        let status = String(decoding: try Files.read(FilePath("/proc/\(pid)/status")), as: UTF8.self)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.split(whereSeparator: { !$0.isNumber })[0]))
    }
}
