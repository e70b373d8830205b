// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Foundation
import HTTPTypes
import OCIRegistry
import Testing

/// `openssl s_server` with a certificate that nobody trusts, answering every GET with a page.
private struct TLSServer {
    static let openssl = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/openssl" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Runs a server for some work, which gets its URL.
    static func run(_ work: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "wasme-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = folder.appending(path: "key.pem").path(percentEncoded: false)
        let certificate = folder.appending(path: "cert.pem").path(percentEncoded: false)
        let request = try process([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])
        try request.run()
        request.waitUntilExit()

        let server = try process([
            "s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert", certificate, "-www",
        ])
        let output = Pipe()
        server.standardOutput = output
        try server.run()
        defer {
            // Not SIGTERM: it is blocked in children of the concurrency threads, and openssl leaves it so.
            kill(server.processIdentifier, SIGKILL)
            server.waitUntilExit()
        }
        var text = ""
        while !(text.contains("ACCEPT 127.0.0.1:") && text.hasSuffix("\n")),
            let data = try output.fileHandleForReading.read(upToCount: 1), !data.isEmpty
        {
            text += String(decoding: data, as: UTF8.self)
        }
        let port = try #require(text.split(separator: ":").last).filter(\.isNumber)
        try await work("https://127.0.0.1:\(port)/")
    }

    private static func process(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: try #require(openssl))
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return process
    }
}

@Suite(.enabled(if: TLSServer.openssl != nil, "needs openssl in PATH"))
struct TLSTests {
    @Test func `a certificate that nobody trusts is refused, and accepted when told to`() async throws {
        try await TLSServer.run { url in
            let transport = CurlTransport()
            let error = await #expect(throws: HTTPTransportError.self) {
                try await transport.exchange(.get, url)
            }
            #expect(error?.code == .tls)
            var options = HTTPTransportOptions()
            options.insecure = true
            let answer = try await transport.exchange(.get, url, options: options)
            #expect(answer.response.status == .ok)
            #expect(answer.text.contains("s_server"))
            // Trust given to one exchange is not kept for the next one.
            await #expect(throws: HTTPTransportError.self) { try await transport.exchange(.get, url) }
        }
    }
}
