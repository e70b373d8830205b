// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Foundation
import HTTPTypes
import LoopbackServer
import OCIRegistry
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Real proxies, asked for a server at 0.0.0.0: that is this machine, but not by name, so that proxies are used.
@Suite struct ProxyTests {
    private let transport = CurlTransport()

    private func options(_ environment: [String: String]) -> HTTPTransportOptions {
        var options = HTTPTransportOptions()
        options.proxies = ProxySettings(environment: environment)
        return options
    }

    private func failure(_ url: String, _ environment: [String: String]) async -> HTTPTransportError? {
        do {
            _ = try await transport.exchange(.get, url, options: options(environment))
            return nil
        } catch {
            return error as? HTTPTransportError
        }
    }

    /// Starts a program on a free port; tried again if somebody else was faster.
    private func start(
        _ tool: Tool, _ arguments: (UInt16) throws -> [String]
    ) async throws -> (process: BackgroundProcess, address: String) {
        for _ in 0..<5 {
            let port = try ClosedPort().port
            let process = try BackgroundProcess(try #require(tool.path), try arguments(port))
            try process.start()
            let address = "127.0.0.1:\(port)"
            while process.isRunning {
                if await failure("http://\(address)/", [:])?.code != .connectionRefused {
                    return (process, address)
                }
            }
        }
        throw ProcessFailure(description: "\(tool.name) does not start")
    }

    private func tinyproxy(user: String? = nil) async throws -> (process: BackgroundProcess, address: String)
    {
        let scratch = try ScratchDirectory("tinyproxy")
        let started = try await start(.tinyproxy) { port in
            let configuration = try scratch.write(
                "tinyproxy.conf",
                """
                Port \(port)
                Listen 127.0.0.1
                Timeout 60
                \(user.map { "BasicAuth \($0)" } ?? "")

                """)
            return ["-d", "-c", configuration.string]
        }
        return started
    }

    /// A server that says by which way requests came.
    private func server() throws -> (server: LoopbackServer, url: String) {
        let server = try LoopbackServer { try $0.respond(200, text: $0.request.header("Via") ?? "direct") }
        return (server, "http://0.0.0.0:\(server.port)/")
    }

    @Test(.requires(.tinyproxy)) func `requests go through the proxy of the environment`() async throws {
        let proxy = try await tinyproxy()
        let (server, url) = try server()
        for environment in [
            ["http_proxy": "http://\(proxy.address)"], ["HTTP_PROXY": proxy.address],
            ["ALL_PROXY": "http://\(proxy.address)/"], ["all_proxy": proxy.address, "https_proxy": "x:1"],
        ] {
            let answer = try await transport.exchange(.get, url, options: options(environment))
            #expect(answer.text.contains("tinyproxy"), "\(environment)")
        }
        // Not to what the environment excepts, nor to this machine.
        for (environment, url) in [
            (["http_proxy": proxy.address, "no_proxy": "0.0.0.0/8"], url),
            (["http_proxy": proxy.address, "NO_PROXY": "x, 0.0.0.0"], url),
            (["http_proxy": proxy.address], "http://\(server.authority)/"),
            (["http_proxy": proxy.address], "http://localhost:\(server.port)/"),
        ] {
            let answer = try await transport.exchange(.get, url, options: options(environment))
            #expect(answer.text == "direct", "\(environment)")
        }
        await proxy.process.stop(SIGKILL)
    }

    @Test(.requires(.tinyproxy), .requires(.openssl)) func `TLS goes through a tunnel`() async throws {
        let proxy = try await tinyproxy()
        let authority = try await CertificateAuthority()
        let identity = try await authority.issue("server")
        let server = try BackgroundProcess(
            try #require(Tool.openssl.path),
            [
                "s_server", "-accept", "127.0.0.1:0", "-key", identity.key.string, "-cert",
                identity.certificate.string, "-www",
            ])
        try server.start()
        let prefix = "ACCEPT 127.0.0.1:"
        let port = try await server.line { $0.hasPrefix(prefix) ? $0.dropFirst(prefix.count) : nil }
        var options = options(["HTTPS_PROXY": "http://\(proxy.address)"])
        options.trust.authorities = try Array(Data(contentsOf: URL(filePath: authority.certificate.string)))
        let answer = try await transport.exchange(.get, "https://0.0.0.0:\(port)/", options: options)
        #expect(answer.text.contains("s_server"))
        await server.stop(SIGKILL)
        // The tunnel's end is out of reach now, which is not the proxy's fault, but the proxy says so.
        let error = await #expect(throws: HTTPTransportError.self) {
            try await CurlTransport().exchange(.get, "https://0.0.0.0:\(port)/", options: options)
        }
        #expect(error?.code == .proxy)
        #expect(error?.message.contains("through the proxy \"http://\(proxy.address)\"") == true)
        await proxy.process.stop(SIGKILL)
    }

    @Test(.requires(.tinyproxy)) func `a proxy may want to know who asks, and nobody else hears`()
        async throws
    {
        let proxy = try await tinyproxy(user: "me hunter2")
        let (server, url) = try server()
        _ = server
        let good = ["http_proxy": "http://me:hunter%32@\(proxy.address)"]
        let answer = try await transport.exchange(.get, url, options: options(good))
        #expect(answer.text.contains("tinyproxy"))
        for secret in ["me:wrong-secret@", ""] {
            let environment = ["https_proxy": "http://\(secret)\(proxy.address)"]
            let error = try #require(await failure("https://0.0.0.0:\(server.port)/", environment))
            #expect(error.code == .proxyUnauthorized, "\(error)")
            #expect(error.message.contains(proxy.address) && !error.message.contains("secret"))
        }
        await proxy.process.stop(SIGKILL)
    }

    @Test func `a proxy that is not there, or is no proxy, is named without its password`() async throws {
        let closed = try ClosedPort()
        let down = try #require(
            await failure("http://r.example/", ["http_proxy": "http://me:hunter2@\(closed.authority)"]))
        #expect(down.code == .proxy && down.message.contains("http://\(closed.authority)"))
        #expect(!down.message.contains("hunter2"))
        let unknown = try #require(await failure("http://r.example/", ["http_proxy": "no-such.invalid:1"]))
        #expect(unknown.code == .proxy && unknown.message.contains("no-such.invalid"))
        for text in ["ftp://me:hunter2@x:1", "http://me:hunter2@", "http://m%ze:hunter2@x:1"] {
            let broken = try #require(await failure("http://r.example/", ["http_proxy": text]))
            #expect(broken.code == .proxy && broken.message.contains("http_proxy"))
            #expect(!broken.message.contains("hunter2"))
        }
    }

    @Test(.requires(.microsocks), arguments: ["socks5", "socks5h"])
    func `a SOCKS proxy is used, with a password, too`(_ scheme: String) async throws {
        let proxy = try await start(.microsocks) {
            ["-i", "127.0.0.1", "-p", "\($0)", "-u", "me", "-P", "hunter2"]
        }
        let (server, url) = try server()
        _ = server
        let good = ["all_proxy": "\(scheme)://me:hunter2@\(proxy.address)"]
        #expect(try await transport.exchange(.get, url, options: options(good)).text == "direct")
        #expect(proxy.process.stderr.contains("connected to"))
        let error = try #require(
            await failure(url, ["all_proxy": "\(scheme)://me:wrong-secret@\(proxy.address)"]))
        #expect(error.code == .proxy && error.message.contains("\(scheme)://\(proxy.address)"))
        #expect(!error.message.contains("secret"))
        await proxy.process.stop(SIGKILL)
    }
}
