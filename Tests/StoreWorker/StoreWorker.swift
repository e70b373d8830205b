// SPDX-License-Identifier: Apache-2.0

import Files
import OCI
import OCILayout
import SystemPackage

/// Stores, names, removes and prunes images in a store that others use, too, and says what is done as soon as it is.
///
///     StoreWorker STORE ID FIRST LAST
///
/// Image `n` is called `ID:n`. It is announced on standard output as `stored NAME DIGEST`; before a name is taken away
/// again it says `removing NAME`, and `removed NAME` afterwards.
@main struct StoreWorker {
    /// How many images of a worker are there at a time.
    private static let window = 3

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let first = Int(arguments[3]), let last = Int(arguments[4]) else {
            return
        }
        let store = try ImageStore(FilePath(arguments[1]))
        let id = arguments[2]
        say("ready")
        for number in first..<last {
            let name = "\(id):\(number)"
            let document = try await image(number, of: id, as: name, into: store)
            say("stored \(name) \(document.digest)")
            if number % 2 == 1 {
                try store.tag(document.descriptor, as: [try Reference("\(name)-too")])
                say("stored \(name)-too \(document.digest)")
            }
            let old = number - window
            for name in ["\(id):\(old)", "\(id):\(old)-too"] where old > 0 { try remove(name, from: store) }
            if number % 4 == 3 { _ = try store.prune() }
        }
    }

    /// An image whose layers are one that workers have in common, and one of its own that comes as from afar.
    private static func image(
        _ number: Int, of id: String, as name: String, into store: ImageStore
    ) async throws -> ManifestDocument {
        try await store.ingest { ingest in
            let config = try ingest.add(Array("{}".utf8), mediaType: .emptyJSON)
            let common = try ingest.add(
                [UInt8](repeating: UInt8(number % 3), count: 20_000), mediaType: .octetStream)
            let bytes = Array(String(repeating: "\(id) \(number) ", count: 5_000).utf8)
            let own = Descriptor(of: bytes, mediaType: .octetStream)
            try await ingest.receive(own) { sink, beginning in
                let verifier = VerifyingSink(own, into: Nowhere())
                if let beginning { try copy(beginning, to: verifier) }
                var rest = bytes[Int(beginning?.length ?? 0)...]
                while !rest.isEmpty {
                    let piece = rest.prefix(4_000)
                    try piece.withUnsafeBytes { try sink.write($0) }
                    try piece.withUnsafeBytes { try verifier.write($0) }
                    rest = rest.dropFirst(4_000)
                }
                try verifier.finish()
            }
            let document = try ManifestDocument(Manifest(config: config, layers: [common, own]))
            try ingest.commit(document, as: [try Reference(name)])
            return document
        }
    }

    private static func remove(_ name: String, from store: ImageStore) throws {
        say("removing \(name)")
        do {
            _ = try store.remove([try Reference(name)])
        } catch let error as StoreError where error.code == .unknownImage {
            // Never there, or removed before this process was killed the last time.
        }
        say("removed \(name)")
    }

    private static func say(_ line: String) {
        _ = try? FileDescriptor.standardOutput.writeAll("\(line)\n".utf8)
    }

    private final class Nowhere: ByteSink {
        func write(_ bytes: UnsafeRawBufferPointer) {}
    }
}
