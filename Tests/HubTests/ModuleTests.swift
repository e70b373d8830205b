// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import FilterImage
import Foundation
import HTTPTypes
import Hub
import OCI
import OCIRegistry
import TestSupport
import Testing

/// `/modules/<repository>/<tag or digest>.wasm`.
@Suite struct ModuleTests {
    @Test(arguments: [(false, "compat"), (true, "compat"), (true, "cncf")])
    func `a module is answered as a file of the web`(_ isLarge: Bool, _ variant: String) async throws {
        try await withHub { hub in
            let image = try FilterSketch(variant == "cncf" ? .cncf : .compat, isLarge: isLarge)
            let module = FilterSketch.module(isLarge: isLarge)
            let digest = Digest(of: module)
            try await hub.client.push(image, to: "acme/tiny", tag: "v1")
            let path = "/modules/acme/tiny/v1.wasm"
            let whole = try await hub.client.get(path)
            #expect(whole.status == 200)
            #expect(whole.body == module)
            let head = try await hub.client.send("HEAD", path)
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
            for reply in [whole, head] {
                #expect(reply["Content-Type"] == "application/wasm")
                #expect(reply["Content-Length"] == "\(module.count)")
                #expect(reply["ETag"] == "\"\(digest)\"")
                #expect(reply["X-Wasm-Sha256"] == digest.hex)
                #expect(reply["Accept-Ranges"] == "bytes")
                #expect(reply["X-Content-Type-Options"] == "nosniff")
                #expect(reply["Content-Security-Policy"] == "default-src 'none'; sandbox")
                let value = try #require(reply["Repr-Digest"])
                let encoded = value.dropFirst("sha-256=:".count).dropLast()
                let bytes = try #require(Data(base64Encoded: String(encoded)))
                #expect(
                    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
                        == digest.hex)
                #expect(value == "sha-256=:\(encoded):")
            }
            let part = try await hub.client.send("GET", path, ["Range": "bytes=10-19"])
            #expect(part.status == 206)
            #expect(part.body == Array(module[10..<20]))
            #expect(part["Content-Range"] == "bytes 10-19/\(module.count)")
            #expect(part["Repr-Digest"] == whole["Repr-Digest"])
            let tail = try await hub.client.send(
                "GET", path, ["Range": "bytes=-5", "If-Range": "\"\(digest)\""])
            #expect(tail.body == module.suffix(5))
            let stale = try await hub.client.send("GET", path, ["Range": "bytes=-5", "If-Range": "\"old\""])
            #expect(stale.body == module)
            let beyond = try await hub.client.send("GET", path, ["Range": "bytes=\(module.count)-"])
            #expect(beyond.status == 416)
            #expect(beyond["Content-Range"] == "bytes */\(module.count)")
            for method in ["GET", "HEAD"] {
                let fresh = try await hub.client.send(method, path, ["If-None-Match": "\"\(digest)\""])
                #expect(fresh.status == 304)
                #expect(fresh.body.isEmpty)
                #expect(fresh["ETag"] == "\"\(digest)\"")
            }
            #expect(whole["Cache-Control"] == "private, no-cache")
            let pinned = try await hub.client.send("GET", "/modules/acme/tiny/\(image.document.digest).wasm")
            #expect(pinned.body == module)
            #expect(pinned["Cache-Control"] == "private, max-age=31536000, immutable")
            // What was taken out of a layer is no blob of the repository.
            let blob = try await hub.client.send("GET", "/v2/acme/tiny/blobs/\(digest)")
            #expect(blob.status == (variant == "cncf" ? 200 : 404))
            let mount = try await hub.client.send(
                "POST", "/v2/acme/thief/blobs/uploads/?mount=\(digest)", body: [])
            #expect(mount.status == (variant == "cncf" ? 201 : 202))
        }
    }

    @Test func `names that look like modules are told apart by the last slash`() async throws {
        try await withHub { hub in
            for (repository, tag, value) in [
                ("acme/x", "v1", "one"), ("acme/x.wasm", "v1", "two"), ("acme/x", "v1.wasm", "three"),
                ("acme", "x", "four"), ("modules/x", "v1", "five"),
            ] {
                try await hub.client.push(try FilterSketch(value: value), to: repository, tag: tag)
                let reply = try await hub.client.get("/modules/\(repository)/\(tag).wasm")
                #expect(reply.body == FilterSketch.module(value: value), "\(repository):\(tag)")
            }
            let digest = try FilterSketch(value: "two").document.digest
            let escaped = "\(digest)".replacingOccurrences(of: ":", with: "%3A")
            for name in ["\(digest)", escaped] {
                let reply = try await hub.client.send("GET", "/modules/acme/x.wasm/\(name).wasm")
                #expect(reply.body == FilterSketch.module(value: "two"))
            }
        }
    }

    @Test(arguments: [
        ("GET", "/modules/acme/x/none.wasm", 404, "MANIFEST_UNKNOWN"),
        ("GET", "/modules/acme/nobody/v1.wasm", 404, "MANIFEST_UNKNOWN"),
        ("GET", "/modules/acme/x/v1", 404, "UNSUPPORTED"), ("GET", "/modules/v1.wasm", 404, "UNSUPPORTED"),
        ("GET", "/modules", 404, "UNSUPPORTED"), ("GET", "/modules/", 404, "UNSUPPORTED"),
        ("GET", "/modules/acme/x/.wasm", 400, "MANIFEST_INVALID"),
        ("GET", "/modules/acme/x/sha256:ab.wasm", 400, "DIGEST_INVALID"),
        ("GET", "/modules/acme/../x/v1.wasm", 400, "NAME_INVALID"),
        ("GET", "/modules/acme/%2e%2e/x/v1.wasm", 400, "NAME_INVALID"),
        ("GET", "/modules/acme%2Fx/v1.wasm", 400, "NAME_INVALID"),
        ("GET", "/modules/Acme/x/v1.wasm", 400, "NAME_INVALID"),
        ("POST", "/modules/acme/x/v1.wasm", 405, "UNSUPPORTED"),
        ("DELETE", "/modules/acme/x/v1.wasm", 405, "UNSUPPORTED"),
        ("GET", "/api/v1/facts/acme/x/none", 404, "MANIFEST_UNKNOWN"),
        ("GET", "/api/v1/facts/v1", 404, "UNSUPPORTED"), ("GET", "/api/v1/facts", 404, "UNSUPPORTED"),
        ("PUT", "/api/v1/facts/acme/x/v1", 405, "UNSUPPORTED"),
    ])
    func `what is no module is refused in the registry's words`(
        _ method: String, _ path: String, _ status: Int, _ code: String
    ) async throws {
        try await withHub { hub in
            try await hub.client.pushImage(to: "acme/x", tag: "v1")
            let reply =
                method == "GET"
                ? try await hub.client.get(path) : try await hub.client.send(method, path, body: [])
            #expect(reply.status == status, "\(reply.text)")
            #expect(reply.code == code)
        }
    }

    @Test func `a hub that has not read an image yet says when to ask again`() async throws {
        var limits = Registry.Limits()
        limits.readingWait = .milliseconds(10)
        try await withHub(limits: limits, reads: false) { hub in
            try await hub.client.push(try FilterSketch(), to: "acme/tiny", tag: "v1")
            for path in ["/modules/acme/tiny/v1.wasm", "/api/v1/facts/acme/tiny/v1"] {
                let reply = try await hub.client.send("GET", path)
                #expect(reply.status == 503)
                #expect(reply.code == "UNAVAILABLE")
                #expect(reply["Retry-After"] == "5")
            }
        }
    }

    @Test func `a search finds what was not read yet`() async throws {
        try await withHub(reads: false) { hub in
            try await hub.client.push(try FilterSketch(), to: "acme/tiny", tag: "v1")
            let reply = try await hub.client.send("GET", "/api/v1/search")
            #expect(reply.status == 200)
            #expect(reply.text.contains(#""abi":"v0.2.1""#))
        }
    }

    @Test func `a search shows what the modules say`() async throws {
        try await withHub { hub in
            let module = FilterSketch.module()
            try await hub.client.push(
                try FilterSketch([("application/wasm", module)]), to: "acme/silent", tag: "v1")
            try await hub.client.push(try FilterSketch(), to: "acme/tiny", tag: "v1")
            _ = try await hub.client.facts("acme/silent/v1")
            _ = try await hub.client.facts("acme/tiny/v1")
            struct Found: Decodable {
                struct Entry: Decodable {
                    let repository: String
                    let abi: String?
                    let language: String?
                    let licence: String?
                }
                let repositories: [Entry]
            }
            let reply = try await hub.client.send("GET", "/api/v1/search")
            let found = try JSONDecoder().decode(Found.self, from: Data(reply.body)).repositories
            #expect(found.map(\.abi) == ["v0.2.1", "v0.2.1"])
            #expect(found.last?.language == "bytes")
            #expect(found.last?.licence == "Apache-2.0")
        }
    }

    /// A bootstrap whose filter comes from the hub by plain HTTP.
    private func bootstrap(_ port: Int, _ path: String, _ sha256: String) -> String {
        """
        static_resources:
          listeners:
          - name: test
            enable_reuse_port: false
            address: {socket_address: {address: 127.0.0.1, port_value: 0}}
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: test
                  route_config:
                    virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: answer}}}]
                  http_filters:
                  - name: tiny
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
                      config:
                        name: tiny
                        vm_config:
                          runtime: envoy.wasm.runtime.v8
                          code:
                            remote:
                              http_uri: {uri: "http://127.0.0.1:\(port)\(path)", cluster: hub, timeout: 10s}
                              sha256: \(sha256)
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          clusters:
          - name: hub
            type: STATIC
            load_assignment:
              cluster_name: hub
              endpoints:
              - lb_endpoints:
                - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: \(port)}}}

        """
    }

    @Test(.requires(.envoy), arguments: [false, true])
    func `a real Envoy loads a filter from the hub by HTTP, without any client`(_ isLarge: Bool) async throws
    {
        let envoy = EnvoyBinary(try #require(Tool.envoy.path))
        try await withHub { hub in
            try await hub.client.push(try FilterSketch(isLarge: isLarge), to: "acme/tiny", tag: "v1")
            let path = "/modules/acme/tiny/v1.wasm"
            let sha256 = try #require(try await hub.client.get(path)["X-Wasm-Sha256"])
            let transport = CurlTransport()
            let text = bootstrap(hub.client.port, path, sha256)
            try await EnvoyProcess.run(envoy, .text(text), transport: transport) { envoy in
                let listener = try #require(envoy.listeners.first)
                let request = HTTPRequest(
                    method: .get, scheme: "http", authority: listener.address.description, path: "/")
                let response = try await transport.send(
                    request, body: nil, options: HTTPTransportOptions()
                ) { _ in nil }
                #expect(response.status.code == 200)
                #expect(response.headerFields[try #require(HTTPField.Name("hello"))] == "world")
            }
        }
    }
}
