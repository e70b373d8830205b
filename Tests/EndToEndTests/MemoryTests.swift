// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import LoopbackServer
import OCI
import SystemPackage
import TestSupport
import Testing

/// How much memory a transfer takes, whatever the size of the blob.
@Suite struct MemoryTests {
    /// A gibibyte of zeros: its digest is well known.
    static let blob = Descriptor(
        mediaType: .imageLayerTarGzip, digest: zeros, size: 1 << 30,
        annotations: ["dev.wasme.layer": "module"])
    static let zeros: Digest = {
        guard let digest = Digest("sha256:49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14")
        else {
            preconditionFailure("not a digest")
        }
        return digest
    }()

    static let config = Array("{}".utf8)

    static func document() throws -> ManifestDocument {
        try ManifestDocument(
            Manifest(config: Descriptor(of: config, mediaType: .imageConfig), layers: [blob]))
    }

    @Test func `a gigabyte is pulled in bounded memory`() async throws {
        let document = try Self.document()
        let server = try LoopbackServer { exchange in
            let path = exchange.request.path
            if path.contains("/manifests/") {
                try exchange.respond(
                    200, headers: [("Content-Type", document.mediaType.rawValue)], body: document.bytes)
            } else if path.hasSuffix(Self.blob.digest.description) {
                try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: \(Self.blob.size)\r\n\r\n")
                let piece = [UInt8](repeating: 0, count: 1 << 20)
                for _ in 0..<(1 << 10) { try exchange.write(piece) }
            } else {
                try exchange.respond(200, body: path == "/v2/" ? [] : Self.config)
            }
        }
        let newcomer = try Newcomer()
        try await expectFrugal(newcomer, "pull", "\(server.authority)/big/blob:v1")
    }

    @Test func `a gigabyte is pushed in bounded memory`() async throws {
        let server = try LoopbackServer { exchange in
            _ = try exchange.drain()
            let (method, target) = (exchange.request.method, exchange.request.target)
            switch method {
            case "HEAD": try exchange.respond(404, text: "")
            case "POST" where !target.contains("digest="):
                try exchange.respond(202, headers: [("Location", "/v2/big/blob/blobs/uploads/1")], text: "")
            case "PATCH":
                try exchange.respond(202, headers: [("Location", "/v2/big/blob/blobs/uploads/1")], text: "")
            case "GET": try exchange.respond(200, text: "{}")
            default: try exchange.respond(201, text: "")
            }
        }
        let newcomer = try Newcomer()
        let reference = "\(server.authority)/big/blob:v1"
        let store = newcomer.home.appending("store")
        let blobs = store.pushing("blobs/sha256")
        try Files.createDirectory(blobs)
        let document = try Self.document()
        for bytes in [Self.config, document.bytes] {
            try Files.replace(blobs.appending(Digest(of: bytes).hex), with: bytes)
        }
        // A hole has no bytes on the disk, and reads as zeros.
        let file = blobs.appending(Self.blob.digest.hex).string
        #expect(FileManager.default.createFile(atPath: file, contents: nil))
        let handle = try FileHandle(forWritingTo: URL(filePath: file))
        try handle.truncate(atOffset: UInt64(Self.blob.size))
        try handle.close()
        let index = Index(manifests: [
            Descriptor(
                mediaType: document.mediaType, digest: document.digest, size: Int64(document.bytes.count),
                annotations: ["org.opencontainers.image.ref.name": reference])
        ])
        try Files.replace(store.appending("index.json"), with: Array(try JSONEncoder().encode(index)))
        try Files.replace(store.appending("oci-layout"), with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        try await expectFrugal(newcomer, "push", reference)
    }

    /// Runs `wasme` and looks at the most memory that it had resident at once.
    ///
    /// Apart from what is its own, that is the code that it maps from files, which processes share. In the build for use
    /// both together stay below 40 MB; the build for development has more code, in more files, and grows with every verb.
    private func expectFrugal(_ newcomer: Newcomer, _ arguments: String...) async throws {
        let process = try BackgroundProcess(
            buildFolder.appending("wasme"), arguments, environment: newcomer.environment)
        try process.start()
        var (own, all) = (0, 0)
        while process.isRunning {
            let status = (try? String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)) ?? ""
            own = max(own, Self.kilobytes("RssAnon:", in: status))
            // The kernel keeps this peak itself.
            all = max(all, Self.kilobytes("VmHWM:", in: status))
            try await Task.sleep(for: .milliseconds(10))
        }
        let outcome = await process.wait()
        #expect(outcome.status == 0, "\(outcome.stderr)")
        #expect(outcome.stderr.contains("1.07 GB module"))
        #expect((1...16_000).contains(own), "\(own) kB")
        #expect((1...56_000).contains(all), "\(all) kB")
    }

    private static func kilobytes(_ name: String, in status: String) -> Int {
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) } ?? 0
    }
}
