// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import NIOCore
import NIOHTTP1
import OCI

/// Answers the reads that make up nearly all of a registry's work, on the event loop that their connection belongs to.
///
/// It knows no errors: what it cannot answer with the content asked for, somebody else answers. One for each event loop.
final class HotPath {
    /// What is to be sent.
    enum Answer {
        /// A head, and bytes that may be many and are shared.
        case ready(head: ByteBuffer, body: ByteBuffer?)
        /// A blob whose bytes have to be fetched first.
        case blob(Digest, size: Int64)
    }

    private let registry: Registry
    private let gatekeeper: Gatekeeper
    private let cache: ContentCache
    private let reads: any ImmediateReads
    /// Whether bytes of files can go to the socket by the kernel alone.
    let sendsFiles: Bool
    /// Called for each request that is answered here.
    let onAnswer: () -> Void
    private var date = HTTPDate()
    private var targets: [String: HotTarget] = [:]
    private var loads: [Digest: EventLoopFuture<ByteBuffer>] = [:]
    /// Most request targets that are remembered.
    private static let knownTargets = 1000

    init(
        _ registry: Registry, _ gatekeeper: Gatekeeper, _ cache: ContentCache, _ reads: any ImmediateReads,
        sendsFiles: Bool, onAnswer: @escaping () -> Void
    ) {
        self.registry = registry
        self.gatekeeper = gatekeeper
        self.cache = cache
        self.reads = reads
        self.sendsFiles = sendsFiles
        self.onAnswer = onAnswer
    }

    /// The request, if it is one of ours.
    func request(_ head: HTTPRequestHead) -> HotRequest? { HotRequest(head, target: target) }

    private func target(_ text: String) -> HotTarget? {
        if let known = targets[text] { return known }
        guard let target = HotTarget(text) else { return nil }
        if targets.count >= Self.knownTargets { targets.removeAll(keepingCapacity: true) }
        targets[text] = target
        return target
    }

    /// The answer; nil if others have to give it.
    func answer(_ request: HotRequest, from address: String?) -> Answer? {
        let principal: Principal
        switch request.authorization {
        case nil: principal = Principal(.anonymous, address: address)
        case let value?:
            guard let known = gatekeeper.recognise(authorization: value, from: address) else { return nil }
            principal = known
        }
        let access = Access(gatekeeper.policy, principal)
        do {
            return try answer(request, access)
        } catch {
            // Not authorized, or the database is busy: whoever comes next finds out which.
            return nil
        }
    }

    private func answer(_ request: HotRequest, _ access: Access) throws -> Answer? {
        let conditions = request.conditions
        switch request.target {
        case .base:
            try access.authorizeEntry()
            return json(RegistryAPI.baseBody, nil, conditions)
        case .tags(let repository, let limit, let after):
            let page = try registry.page(limit) {
                try reads.tags(in: repository, after: after, limit: $0, access)
            }
            guard let page else { return nil }
            return json(
                TagList.json(repository, page.entries),
                TagList.next(repository, page, limit, registry.limits),
                conditions)
        case .manifest(let repository, let name):
            guard let manifest = try reads.manifest(name, in: repository, access) else { return nil }
            let answer = ContentAnswer(
                manifest: manifest.digest, manifest.mediaType, size: Int64(manifest.bytes.count), conditions)
            return ready(answer, answer.range == nil ? nil : .copied(manifest.bytes))
        case .blob(let repository, let digest):
            if conditions.needsNoBytes(digest) {
                let renewal = registry.blobRenewal
                guard
                    let size = try reads.blobSize(digest, in: repository, renewal: renewal, access)
                else { return nil }
                return ready(ContentAnswer(blob: digest, size: size, conditions), nil)
            }
            guard let blob = try reads.content(digest, in: repository, access) else { return nil }
            if let bytes = blob.content {
                return self.blob(digest, ByteBuffer(bytes: bytes), conditions)
            }
            if let bytes = cache[digest] { return self.blob(digest, bytes, conditions) }
            return .blob(digest, size: blob.record.size)
        }
    }

    private func json(_ body: ByteBuffer, _ link: String?, _ conditions: ReadConditions) -> Answer {
        let answer = ContentAnswer(json: body.readableBytes, link: link, conditions)
        return ready(answer, answer.range == nil ? nil : .shared(body))
    }

    /// The answer of a blob whose bytes are here.
    func blob(_ digest: Digest, _ bytes: ByteBuffer, _ conditions: ReadConditions) -> Answer {
        let answer = ContentAnswer(blob: digest, size: Int64(bytes.readableBytes), conditions)
        let part = answer.range.flatMap { range in
            bytes.getSlice(
                at: bytes.readerIndex + Int(range.lowerBound),
                length: Int(range.upperBound - range.lowerBound))
        }
        return ready(answer, part.map { .shared($0) })
    }

    private enum Body {
        case copied([UInt8])
        case shared(ByteBuffer)
    }

    /// Bodies up to this size are sent in one piece with their head.
    private static let smallBody = 8 << 10

    private func ready(_ answer: ContentAnswer, _ body: Body?) -> Answer {
        switch body {
        case nil: return .ready(head: head(answer), body: nil)
        case .copied(let bytes):
            var head = head(answer, reserving: bytes.count)
            head.writeBytes(bytes)
            return .ready(head: head, body: nil)
        case .shared(let bytes) where bytes.readableBytes <= Self.smallBody:
            var head = head(answer, reserving: bytes.readableBytes)
            head.writeImmutableBuffer(bytes)
            return .ready(head: head, body: nil)
        case .shared(let bytes): return .ready(head: head(answer), body: bytes)
        }
    }

    /// The bytes of an answer's head.
    func head(_ answer: ContentAnswer, reserving space: Int = 0) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 640 + space)
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString("\(answer.status.code) ")
        buffer.writeString(answer.status.reasonPhrase)
        buffer.writeStaticString("\r\n")
        for field in answer.fields { buffer.write(field) }
        if let length = answer.length {
            buffer.writeStaticString("Content-Length: ")
            buffer.writeString("\(length)")
            buffer.writeStaticString("\r\n")
        }
        for field in answer.trailing { buffer.write(field) }
        for field in ContentAnswer.registryFields { buffer.write(field) }
        buffer.writeStaticString("Date: ")
        buffer.writeImmutableBuffer(date.now())
        buffer.writeStaticString("\r\n\r\n")
        return buffer
    }
}

extension ByteBuffer {
    fileprivate mutating func write(_ field: ContentAnswer.Field) {
        writeString(field.name.rawName)
        writeStaticString(": ")
        writeString(field.value)
        writeStaticString("\r\n")
    }
}

extension HotPath {
    /// The bytes of a blob from the store, once for all who ask at the same time.
    func load(_ digest: Digest, size: Int64, on eventLoop: any EventLoop) -> EventLoopFuture<ByteBuffer> {
        if let loading = loads[digest] { return loading }
        let future = eventLoop.makeFutureWithTask { [registry, cache] in
            let reader = try await registry.openBlob(digest, size: size)
            let bytes = try await RegistryAPI.bytes(of: reader, 0..<size)
            cache.insert(bytes, for: digest)
            return bytes
        }
        loads[digest] = future
        future.assumeIsolated().whenComplete { _ in self.loads[digest] = nil }
        return future
    }

    /// A blob as a file, if its store has one.
    func open(_ digest: Digest, size: Int64, on eventLoop: any EventLoop) -> EventLoopFuture<any BlobReader> {
        eventLoop.makeFutureWithTask { [registry] in try await registry.openBlob(digest, size: size) }
    }

    /// Lets go of the store.
    func close() { reads.close() }

    /// Whether a blob of this size is answered from memory.
    func isSmall(_ size: Int64) -> Bool { size <= Int64(cache.largest) }
}
