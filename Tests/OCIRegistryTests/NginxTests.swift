// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Diagnostics
import Foundation
import LoopbackServer
import OCI
import OCIRegistry
import TestSupport
import Testing

/// Debian's registry behind Debian's nginx, set up as people do.
@Suite(.requires(.registry), .requires(.nginx))
struct NginxTests {
    private let transport = CurlTransport()
    private let bytes = sample(3_000_000)

    private func client(
        _ address: String, _ credentials: any CredentialProvider = AnonymousCredentials()
    ) throws -> RegistryClient {
        RegistryClient(host: try RegistryHost(address), transport: transport, credentials: credentials)
    }

    /// Pushes and pulls an image and lists its tag.
    private func roundTrip(_ client: RegistryClient) async throws {
        let config = Array("{}".utf8)
        for bytes in [config, bytes] {
            try await client.push(blob(bytes), HTTPBody(bytes), to: repository)
        }
        let document = try manifest(config: blob(config), layers: [blob(bytes)])
        try await client.push(document, to: repository, as: tag)
        #expect(try await client.manifest(repository, tag) == document)
        #expect(try await client.tags(repository).map(\.name) == ["v1"])
        let sink = MemorySink(limit: bytes.count)
        try await client.blob(repository, blob(bytes), into: sink)
        #expect(sink.bytes == bytes)
    }

    /// Gives a token for reading to everybody, and one for writing to `me`.
    private func tokenService(_ log: Log) throws -> LoopbackServer {
        try LoopbackServer { exchange in
            let user = exchange.request.header("Authorization") == "Basic bWU6czNjcmV0" ? "me" : "nobody"
            log.add("\(user) \(exchange.request.target)")
            guard exchange.request.header("Authorization") == nil || user == "me" else {
                return try exchange.respond(401)
            }
            let mayWrite = user == "me" && exchange.request.target.contains("push")
            try exchange.respond(200, text: #"{"token":"\#(mayWrite ? "write" : "read")-token"}"#)
        }
    }

    @Test func `a registry that demands Bearer tokens is pushed to, pulled from and listed`() async throws {
        let log = Log()
        let tokens = try tokenService(log)
        try await DockerRegistry.run { registry in
            try await NginxFront.run(before: registry.address) { nginx in
                nginx.http = #"""
                    map "$request_method $http_authorization" $allowed {
                        default 0;
                        "~^(GET|HEAD) Bearer (read|write)-token$" 1;
                        "~ Bearer write-token$" 1;
                    }
                    map "$request_method $request_uri" $scope {
                        default "repository:acme/auth:pull,push";
                        "~^(GET|HEAD) " "repository:acme/auth:pull";
                        "~ /v2/$" "";
                    }
                    """#
                nginx.location = #"""
                    if ($allowed = 0) {
                        add_header WWW-Authenticate 'Bearer realm="http://\#(tokens.authority)/token",service="nginx",scope="$scope"' always;
                        return 401;
                    }
                    """#
            } _: { nginx in
                let host = try RegistryHost(nginx.address)
                let me = FixedCredentials(.password(username: "me", password: "s3cret"), for: host)
                try await roundTrip(client(nginx.address, me))
                // One token does for a whole push, and its reading.
                #expect(
                    log.all == [
                        "me /token?service=nginx&scope=repository%3Aacme%2Fauth%3Apull%2Cpush&account=me"
                    ])
                let reader = try client(nginx.address)
                #expect(try await reader.tags(repository).count == 1)
                let denied = await failure {
                    try await reader.push(blob(sample(20_000)), HTTPBody(sample(20_000)), to: repository)
                }
                #expect(denied?.code == .unauthorized && denied?.category == .denied)
                let wrong = FixedCredentials(.password(username: "me", password: "guess"), for: host)
                #expect(
                    await failure { _ = try await client(nginx.address, wrong).tags(repository) }?.code
                        == .unauthorized)
            }
        }
    }

    @Test func `a proxy that takes a megabyte at a time gets chunks`() async throws {
        try await DockerRegistry.run { registry in
            try await NginxFront.run(before: registry.address) {
                $0.server = "client_max_body_size 1m;"
            } _: { nginx in
                try await roundTrip(client(nginx.address))
                let patches = try nginx.requests.filter { $0.hasPrefix("PATCH") && $0.contains(" 202 ") }
                #expect(patches.count == 3)
            }
        }
    }
}
