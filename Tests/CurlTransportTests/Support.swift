// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import HTTPTypes
import OCI
import OCIRegistry
import Synchronization

/// A whole answer, for tests that look at its body.
struct Answer {
    let response: HTTPResponse
    let body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
}

extension CurlTransport {
    /// One exchange with the answer's body in memory.
    func exchange(
        _ method: HTTPRequest.Method, _ url: String, headers: HTTPFields = [:], body: HTTPBody? = nil,
        options: HTTPTransportOptions = HTTPTransportOptions()
    ) async throws -> Answer {
        let sink = CollectingSink()
        let response = try await send(
            request(method, url, headers: headers), body: body, options: options
        ) { _ in sink }
        return Answer(response: response, body: sink.bytes)
    }
}

func request(_ method: HTTPRequest.Method, _ url: String, headers: HTTPFields = [:]) -> HTTPRequest {
    let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    return HTTPRequest(
        method: method, scheme: String(parts[0].dropLast()), authority: String(parts[2]),
        path: "/" + (parts.count > 3 ? parts[3] : ""), headerFields: headers)
}

/// Keeps bytes; may be read from another thread than the transport's.
final class CollectingSink: ByteSink, Sendable {
    private let storage = Mutex<[UInt8]>([])
    var bytes: [UInt8] { storage.withLock { $0 } }
    func write(_ bytes: UnsafeRawBufferPointer) throws { storage.withLock { $0.append(contentsOf: bytes) } }
}

/// Hashes and forgets bytes, and calls back on each write.
final class HashingSink: ByteSink, @unchecked Sendable {
    let hasher = DigestHasher()
    private let onWrite: @Sendable (Int) throws -> Void

    init(onWrite: @escaping @Sendable (Int) throws -> Void = { _ in }) { self.onWrite = onWrite }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try onWrite(bytes.count)
        hasher.update(bytes)
    }
}

/// A body of any length, made up as it is read.
final class PatternSource: ByteSource {
    let length: Int64
    private var position: Int64 = 0
    private let ending: Int64
    private let failure: (any Error)?

    /// The bytes stop at `ending`, or `failure` is thrown there.
    init(length: Int64, ending: Int64? = nil, failure: (any Error)? = nil) {
        self.length = length
        self.ending = ending ?? length
        self.failure = failure
    }

    /// The pattern repeats after as many bytes; copying it is quick in unoptimised builds, too.
    private static let pattern = (0..<1 << 16).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = Int(min(Int64(buffer.count), ending - position))
        if count == 0, let failure { throw failure }
        let start = Int(position % Int64(Self.pattern.count))
        let run = min(count, Self.pattern.count - start)
        buffer.copyBytes(from: Self.pattern[start..<start + run])
        position += Int64(run)
        return run
    }

    func seek(to offset: Int64) throws { position = offset }

    /// The digest of the bytes of one such source.
    static func digest(length: Int64) throws -> Digest {
        let source = PatternSource(length: length)
        let hasher = DigestHasher()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
        defer { buffer.deallocate() }
        while case let count = try source.read(into: buffer), count > 0 {
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        return hasher.finalize()
    }
}

/// An error that only the test that throws it knows.
struct Mark: Error, Equatable { let text: String }
