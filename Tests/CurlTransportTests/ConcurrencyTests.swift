// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Foundation
import HTTPTypes
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import Testing

@Suite struct ConcurrencyTests {
    private let transport = CurlTransport()

    @Test func `fifty transfers run side by side and keep their bytes apart`() async throws {
        let server = try LoopbackServer { exchange in
            let number = UInt8(exchange.request.target.dropFirst()) ?? 0
            try exchange.respond(200, body: [UInt8](repeating: number, count: 300_000))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask {
                    let answer = try await transport.exchange(.get, "http://\(server.authority)/\(number)")
                    #expect(answer.body.count == 300_000)
                    #expect(answer.body.allSatisfy { $0 == UInt8(number) })
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `transfers that wait do not hold up the others`() async throws {
        let server = try LoopbackServer { exchange in
            if exchange.request.target == "/wait" { exchange.waitForEnd() } else { try exchange.respond(200) }
        }
        let waiting = Task { try await transport.exchange(.get, "http://\(server.authority)/wait") }
        for _ in 0..<10 {
            #expect(try await transport.exchange(.get, "http://\(server.authority)/").response.status == .ok)
        }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test func `cancelling breaks the connection and throws CancellationError`() async throws {
        let isOver = AsyncStream<Void>.makeStream()
        let hasBegun = AsyncStream<Void>.makeStream()
        let server = try LoopbackServer { exchange in
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome")
            exchange.waitForEnd()
            isOver.continuation.yield()
        }
        let sink = HashingSink { _ in hasBegun.continuation.yield() }
        let task = Task {
            try await transport.send(
                request(.get, "http://\(server.authority)/"), body: nil, options: HTTPTransportOptions()
            ) { _ in sink }
        }
        for await _ in hasBegun.stream { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        for await _ in isOver.stream { break }
    }

    @Test func `a task that is cancelled already sends nothing`() async throws {
        let server = try LoopbackServer { try $0.respond(200) }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await transport.exchange(.get, "http://\(server.authority)/")
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(server.connectionCount == 0)
    }

    @Test func `many cancellations at random points leave nobody waiting`() async throws {
        let server = try LoopbackServer { exchange in
            try exchange.respond(200, body: [UInt8](repeating: 7, count: 50_000))
        }
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let task = Task { try await transport.exchange(.get, "http://\(server.authority)/") }
                    for _ in 0..<number { await Task.yield() }
                    task.cancel()
                    switch await task.result {
                    case .success(let answer): #expect(answer.body.count == 50_000)
                    case .failure(let error): #expect(error is CancellationError)
                    }
                }
            }
        }
    }

    @Test func `a large body streams both ways in bounded memory`() async throws {
        // A process of its own: what the other suites use meanwhile is not this one's.
        await #expect(processExitsWith: .success) { try await streamLargeBodies() }
    }

    @Test func `a slow sink slows the sender down`() async throws {
        let written = Atomic(0)
        let server = try LoopbackServer { exchange in
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: \(32 << 20)\r\n\r\n")
            for _ in 0..<32 {
                try exchange.write([UInt8](repeating: 1, count: 1 << 20))
                written.add(1 << 20, ordering: .relaxed)
            }
        }
        let read = Atomic(0)
        let lead = Atomic(0)
        let sink = HashingSink { count in
            read.add(count, ordering: .relaxed)
            lead.max(written.load(ordering: .relaxed) - read.load(ordering: .relaxed), ordering: .relaxed)
            // Stands for a disk; what is measured is the lead, not the time.
            Thread.sleep(forTimeInterval: Double(count) / 64e6)
        }
        _ = try await transport.send(
            request(.get, "http://\(server.authority)/"), body: nil, options: HTTPTransportOptions()
        ) { _ in sink }
        #expect(lead.load(ordering: .relaxed) < 16 << 20, "only the sockets' buffers may lie between")
    }

    @Test func `a released transport takes its thread and its connections with it`() async throws {
        let isOver = AsyncStream<Void>.makeStream()
        let server = try LoopbackServer { exchange in
            try exchange.respond(200)
            exchange.waitForEnd()
            isOver.continuation.yield()
        }
        func use() async throws {
            let transport = CurlTransport()
            _ = try await transport.exchange(.get, "http://\(server.authority)/")
        }
        try await use()
        for await _ in isOver.stream { break }
    }
}

/// Sends and fetches 256 MiB, and holds the peak of the process's memory against a bound.
private func streamLargeBodies() async throws {
    let transport = CurlTransport()
    let length: Int64 = 256 << 20
    let server = try LoopbackServer { exchange in
        let hasher = DigestHasher()
        while let chunk = try exchange.readBody() { hasher.update(chunk) }
        if exchange.request.method == "PUT" {
            try exchange.respond(200, text: "\(hasher.finalize())")
        } else {
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n")
            let chunk = [UInt8](repeating: 0x5a, count: 1 << 20)
            for _ in 0..<length >> 20 { try exchange.write(chunk) }
        }
    }
    let before = try peakMemory()
    let url = "http://\(server.authority)/"
    let sent = try await transport.exchange(
        .put, url, body: HTTPBody(length: length) { PatternSource(length: length) })
    #expect(sent.text == "\(try PatternSource.digest(length: length))")

    let sink = HashingSink()
    _ = try await transport.send(request(.get, url), body: nil, options: HTTPTransportOptions()) { _ in sink }
    #expect(sink.hasher.count == length)
    #expect(try peakMemory() - before < 64 << 20, "the whole body must not lie in memory")
}

/// Bytes of memory that this process has held at most.
///
/// Not by `getrusage`: there a process also answers for the one that started it.
private func peakMemory() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(Int(line.split(whereSeparator: { !$0.isNumber })[0])) << 10
}
