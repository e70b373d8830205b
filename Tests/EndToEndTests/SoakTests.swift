// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// A filter that does all that could leave memory behind, in a real Envoy: see Fixtures/soak.
///
/// `WASME_SOAK_REQUESTS=1000000` makes it a million requests.
@Suite struct SoakTests {
    @Test(.requires(.swift), .requires(.envoy), .requires(.curl), .requires(.wrk))
    func `headers, bodies, call-outs and shared data leave memory flat`() async throws {
        let envoy = try await SoakedEnvoy()
        let wanted = ProcessInfo.processInfo.environment["WASME_SOAK_REQUESTS"].flatMap(Int.init) ?? 100_000
        let script = try envoy.scratch.write(
            "post.lua",
            """
            wrk.method = "POST"
            wrk.body = string.rep("BODY", 256)
            wrk.headers["x-one"] = "1"

            """)
        var load = Load(address: envoy.address, pid: envoy.process.pid, options: ["-s", script.string])
        try await load.send(20_000)
        let (before, memoryBefore) = (
            try load.residentKilobytes(), try await envoy.statistic("wasmcustom.soak.memory")
        )
        try await load.send(wanted)
        let (after, memoryAfter) = (
            try load.residentKilobytes(), try await envoy.statistic("wasmcustom.soak.memory")
        )
        print(
            "soak: \(load.sent) requests; resident \(before) KB, then \(after) KB; module \(memoryBefore), \(memoryAfter) bytes"
        )
        #expect(
            Double(after) < Double(before) * 1.05,
            "\(before) KB after 20,000 requests, \(after) KB after \(load.sent)")
        #expect(memoryAfter == memoryBefore, "the module's linear memory has grown")
        #expect(try await envoy.statistic("wasmcustom.soak.answers") >= load.sent)
        #expect(try await envoy.statistic("wasmcustom.soak.failures") == 0)
    }

    @Test(.requires(.swift), .requires(.envoy), .requires(.curl))
    func `odd headers and large bodies pass through a filter in a real Envoy`() async throws {
        let envoy = try await SoakedEnvoy()
        func expectAnswer(_ request: [UInt8], chunk: Int, _ status: String, _ seen: String?) async throws {
            let answer = try await envoy.exchange(request, chunk: chunk)
            #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer.prefix(500))")
            if let seen { #expect(answer.contains("\r\nx-seen: \(seen)\r\n"), "\(answer.prefix(500))") }
        }
        func head(_ method: String, _ fields: [(String, [UInt8])]) -> [UInt8] {
            fields.reduce(into: Array("\(method) / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n".utf8)) {
                $0 += Array("\($1.0): ".utf8) + $1.1 + [0x0D, 0x0A]
            } + [0x0D, 0x0A]
        }
        let letter = UInt8(ascii: "A")
        let mebibyte = 1 << 20
        // Envoy itself adds some names that begin with "x-".
        for (count, size) in [(1, mebibyte), (900, 1000), (1024, 10)] {
            let fields = (0..<count).map { ("x-\($0)", [UInt8](repeating: letter, count: size)) }
            try await expectAnswer(head("GET", fields), chunk: 65_537, "200", nil)
        }
        try await expectAnswer(head("GET", [("x-a", [0xFF, 0xC0, 0x80, 0xED, 0xA0])]), chunk: 7, "200", nil)
        // Envoy refuses it before any filter sees it.
        try await expectAnswer(head("GET", [("x-a", [0x61, 0x00, 0x62])]), chunk: 7, "400", nil)

        for (sizes, name) in [([], "none"), ([1], "one"), ([4_095, 65_537, 1, mebibyte + 3], "odd")] {
            var body: [UInt8] = []
            var total = 0
            repeat {
                for size in sizes where total + size <= 10 * mebibyte || size == 1 {
                    body += Array("\(String(size, radix: 16))\r\n".utf8)
                    body += [UInt8](repeating: letter, count: size) + [0x0D, 0x0A]
                    total += size
                }
            } while name == "odd" && total < 10 * mebibyte - 1
            body += Array("0\r\n\r\n".utf8)
            let request = head("POST", [("transfer-encoding", Array("chunked".utf8))]) + body
            try await expectAnswer(request, chunk: 100_003, "200", nil)
            let answer = try await envoy.exchange(request, chunk: 100_003)
            #expect(answer.contains(" names, \(total) bytes\r\n"), "\(name): \(answer.prefix(500))")
        }
        // The module lives on.
        try await expectAnswer(head("GET", []), chunk: 1, "200", nil)
        #expect(try await envoy.statistic("wasmcustom.soak.failures") == 0)
        #expect(!envoy.process.stderr.contains("RuntimeError"), "\(envoy.process.stderr)")
    }
}

/// An Envoy with the filter and its backend.
private struct SoakedEnvoy {
    let process: BackgroundProcess
    let scratch: ScratchDirectory
    let address: String
    private let admin: String

    /// The module, built once.
    private static let module = Task {
        let newcomer = try Newcomer()
        try await newcomer.does("init", "soak", "--language", "swift")
        let fixture = repositoryRoot.appending("Tests").appending("Fixtures").appending("soak")
        for name in [
            "Package.swift", "Sources/Soak/Soak.swift", "Sources/CMemory/memory.c",
            "Sources/CMemory/include/memory.h",
        ] {
            let source = String(decoding: try Files.read(fixture.pushing(FilePath(name))), as: UTF8.self)
            try newcomer.scratch.write("soak/\(name)", source)
        }
        try await newcomer.does("build", "soak", "-t", "soak:v1")
        try await newcomer.does(
            "deploy", "envoy", "soak:v1", "--out", newcomer.scratch.appending("unused.yaml").string)
        let bootstrap = String(decoding: try Files.read(fixture.appending("envoy.yaml")), as: UTF8.self)
        return (newcomer: newcomer, bootstrap: bootstrap)
    }

    init() async throws {
        let (newcomer, bootstrap) = try await Self.module.value
        let modules = newcomer.home.appending("modules")
        let module = modules.appending(try #require(try Files.contents(modules).first))
        scratch = try ScratchDirectory("soak")
        let text = bootstrap.replacingOccurrences(of: "MODULE", with: module.string)
            .replacingOccurrences(of: "SOCKET", with: scratch.appending("s").string)
        let file = try scratch.write("envoy.yaml", text)
        let adminFile = scratch.appending("admin")
        process = try BackgroundProcess(
            try #require(Tool.envoy.path),
            [
                "-c", file.string, "--concurrency", "1", "--disable-hot-restart", "-l", "error",
                "--admin-address-path",
                adminFile.string,
            ])
        try process.start()
        let deadline = ContinuousClock.now + .seconds(60)
        var found: (admin: String, address: String)?
        while found == nil {
            try #require(process.isRunning && ContinuousClock.now < deadline, "\(process.stderr)")
            try await Task.sleep(for: .milliseconds(20))
            guard Files.kind(adminFile) == .file else { continue }
            let admin = String(decoding: try Files.read(adminFile), as: UTF8.self)
            // "front::127.0.0.1:40001", once it listens.
            let listeners = try await Self.ask(admin, "/listeners")
            guard try await Self.ask(admin, "/ready").hasPrefix("LIVE"),
                let line = listeners.split(separator: "\n").first(where: { $0.hasPrefix("front::") })
            else { continue }
            found = (admin, String(line.dropFirst(7)))
        }
        (admin, address) = try #require(found)
    }

    private static func ask(_ admin: String, _ path: String) async throws -> String {
        let curl = try #require(Tool.curl.path)
        return try await run(curl, ["-s", "--max-time", "20", "http://\(admin)\(path)"]).stdout
    }

    func statistic(_ name: String) async throws -> Int {
        let text = try await Self.ask(admin, "/stats?filter=^\(name)$")
        return try #require(text.split(separator: " ").last.flatMap { Int($0.filter(\.isNumber)) }, "\(text)")
    }

    /// Sends exactly these bytes, in pieces, and gives the answer.
    func exchange(_ request: [UInt8], chunk: Int) async throws -> String {
        let port = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
        return try await withCheckedThrowingContinuation { continuation in
            // The calls block, so they get a thread of their own.
            Thread.detachNewThread {
                continuation.resume(with: Result { try converse(port, request, chunk: chunk) })
            }
        }
    }
}

private struct Broken: Error {
    let call: String
    let number = errno
}

/// Sends a request to this machine in pieces, and reads until the other side closes.
private func converse(_ port: UInt16, _ request: [UInt8], chunk: Int) throws -> String {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var timeout = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard connected == 0 else { throw Broken(call: "connect") }
    var offset = 0
    while offset < request.count {
        let size = min(chunk, request.count - offset)
        let sent = request[offset..<offset + size].withUnsafeBytes {
            send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        // Envoy may refuse and close before it has read all of it.
        guard sent > 0 else { break }
        offset += sent
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = recv(socket, &buffer, buffer.count, 0)
        if count < 0 {
            guard errno == ECONNRESET else { throw Broken(call: "recv") }
            break
        }
        guard count > 0 else { break }
        answer += buffer[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
}
