// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import EnvoyControl
import SystemPackage
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Filters of connections, in the slot of a real Envoy.
@Suite struct SlotNetworkTests {
    @Test(.requires(.envoy), .requires(.wabt))
    func `a filter of connections comes, changes, goes and comes back`()
        async throws
    {
        let scratch = try ScratchDirectory("network")
        let stage = SlotStage(
            scratch: scratch,
            slot: try SlotFolder.create(at: scratch.appending("slot"), kind: .network, places: 2))
        let one = try await SlotModules.compile(SlotModules.prefixing("one:"), stage, "one")
        let two = try await SlotModules.compile(SlotModules.prefixing("two:"), stage, "two")
        var options = EnvoyOptions()
        options.concurrency = 2
        try await EnvoyProcess.run(
            envoyUnderTest(), Self.bootstrap(stage.slot.seenPlaces), options: options,
            transport: CurlTransport()
        ) { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            var deployment = SlotStage.deployment()
            let echo = try #require(envoy.listeners.first { $0.name == "echo" }).address
            func said() throws -> String { try Self.exchange("ping\n", echo) }
            #expect(try said() == "ping\n")
            let wrong = await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(deployment, module: one)
            }
            #expect(wrong?.code == .invalid)
            deployment.kind = .network
            let first = try await deployer.deploy(deployment, module: one)
            #expect(first.members[0].proofs[0].virtualMachines == 4)
            #expect(try said() == "one:ping\n")
            _ = try await deployer.deploy(deployment, module: two)
            #expect(try said() == "two:ping\n")
            await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(
                    deployment, module: TinyFilter(flaw: .missingImport).bytes)
            }
            #expect(try said() == "two:ping\n")
            var second = SlotStage.deployment("second")
            second.kind = .network
            _ = try await deployer.deploy(second, module: one)
            // The second one in the chain puts its word before the first one's.
            #expect(try said() == "one:two:ping\n")
            #expect(try await deployer.status()[0].isSound)
            _ = try await deployer.undeploy("second")
            _ = try await deployer.rollback("tiny", to: 1)
            #expect(try said() == "one:ping\n")
            _ = try await deployer.undeploy("tiny")
            #expect(try said() == "ping\n")
        }
    }

    /// A listener that says what it hears, behind the slot.
    private static func bootstrap(_ places: [EnvoySlot]) -> EnvoyConfiguration {
        let echo: ConfigValue = [
            "name": "envoy.filters.network.echo",
            "typed_config": [
                "@type": "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo"
            ],
        ]
        let all: ConfigValue = [
            "node": ["id": "test", "cluster": "test"],
            "static_resources": [
                "listeners": [
                    [
                        "name": "echo", "enable_reuse_port": false,
                        "address": ["socket_address": ["address": "127.0.0.1", "port_value": 0]],
                        "filter_chains": [["filters": .list(places.map(\.filter) + [echo])]],
                    ]
                ]
            ],
        ]
        return .text(all.yamlLines.joined(separator: "\n") + "\n")
    }

    /// Says something on a connection of its own.
    /// - Returns: what comes back, up to the end of a line.
    private static func exchange(_ text: String, _ place: HostPort) throws -> String {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(connection >= 0)
        defer { close(connection) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(place.port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let bytes = Array(text.utf8)
        try #require(write(connection, bytes, bytes.count) == bytes.count)
        var answer: [UInt8] = []
        while answer.last != UInt8(ascii: "\n") {
            var chunk = [UInt8](repeating: 0, count: 256)
            let count = read(connection, &chunk, chunk.count)
            guard count > 0 else { break }
            answer += chunk[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }
}
