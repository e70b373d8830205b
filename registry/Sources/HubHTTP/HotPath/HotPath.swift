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
        case ready(HotAnswer)
        /// Content whose bytes have to be fetched first.
        case content(HotContent)
    }

    private let registry: Registry
    private let gatekeeper: Gatekeeper
    private let cache: ContentCache
    private let pulls: PullCounts.Table
    private let reads: any ImmediateReads
    /// Whether bytes of files can go to the socket by the kernel alone.
    let sendsFiles: Bool
    let operation: HubOperation
    /// Called for each request that is answered here.
    private let onAnswer: () -> Void
    private var date = HTTPDate()
    private var targets: [String: HotTarget] = [:]
    private var loads: [Digest: EventLoopFuture<ByteBuffer>] = [:]
    /// Most request targets that are remembered.
    private static let knownTargets = 1000

    init(
        _ registry: Registry, _ gatekeeper: Gatekeeper, _ operation: HubOperation, _ cache: ContentCache,
        _ reads: any ImmediateReads, sendsFiles: Bool, onAnswer: @escaping () -> Void
    ) {
        self.registry = registry
        self.gatekeeper = gatekeeper
        self.operation = operation
        self.cache = cache
        pulls = registry.pullCounts.table()
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
    func answer(_ exchange: inout HotExchange) -> Answer? {
        // What is another registry's may have to be asked for there first.
        if let repository = exchange.request.target.route.1, registry.mirrors.mirror(of: repository) != nil {
            return nil
        }
        guard operation.takesAnother else { return nil }
        var principal = Principal(.anonymous, address: exchange.address)
        if let value = exchange.request.authorization {
            guard let known = gatekeeper.recognise(authorization: value, from: exchange.address) else {
                return nil
            }
            if let proof = known.proof {
                guard (try? reads.holds(proof)) == true else { return nil }
            }
            principal = known.principal
        }
        exchange.principal = principal.name
        do {
            return try answer(exchange, Access(gatekeeper.policy, principal))
        } catch {
            // Not authorized, or the database is busy: whoever comes next finds out which.
            return nil
        }
    }

    private func answer(_ exchange: HotExchange, _ access: Access) throws -> Answer? {
        let conditions = exchange.request.conditions
        switch exchange.request.target {
        case .base:
            try access.authorizeEntry()
            return json(RegistryAPI.baseBody, nil, exchange)
        case .tags(let repository, let limit, let after):
            let page = try registry.page(limit) {
                try reads.tags(in: repository, after: after, limit: $0, access)
            }
            guard let page else { return nil }
            return json(
                TagList.json(repository, page.entries),
                TagList.next(repository, page, limit, registry.limits), exchange)
        case .manifest(let repository, let name):
            guard let manifest = try reads.manifest(name, in: repository, access) else { return nil }
            let answer = ContentAnswer(
                manifest: manifest.digest, manifest.mediaType, size: Int64(manifest.bytes.count), conditions)
            if answer.isPull { pulls.note(repository) }
            return ready(answer, answer.range == nil ? nil : .copied(manifest.bytes), exchange)
        case .blob(let repository, let digest):
            if conditions.needsNoBytes(digest) {
                let renewal = registry.blobRenewal
                guard
                    let size = try reads.blobSize(digest, in: repository, renewal: renewal, access)
                else { return nil }
                return ready(ContentAnswer(blob: digest, size: size, conditions), nil, exchange)
            }
            guard let blob = try reads.content(digest, in: repository, access) else { return nil }
            return content(.blob(digest, size: blob.record.size), blob.content, exchange)
        case .module(let repository, let name):
            guard let (module, bytes) = try reads.module(name, in: repository, access),
                let blob = module.blob
            else { return nil }
            let isPinned = if case .digest = name { true } else { false }
            let content = HotContent.module(module, blob: blob, isPinned: isPinned)
            if conditions.needsNoBytes(module.digest) {
                return ready(content.answer(conditions), nil, exchange)
            }
            if content.answer(conditions).isPull { pulls.note(repository) }
            return self.content(content, bytes, exchange)
        }
    }

    /// The answer of content whose bytes are here, or in memory, or have to be fetched.
    private func content(_ content: HotContent, _ held: [UInt8]?, _ exchange: HotExchange) -> Answer {
        if let bytes = held.map({ ByteBuffer(bytes: $0) }) ?? cache[content.digest] {
            return .ready(answer(content, bytes, exchange))
        }
        return .content(content)
    }

    private func json(_ body: ByteBuffer, _ link: String?, _ exchange: HotExchange) -> Answer {
        let answer = ContentAnswer(json: body.readableBytes, link: link, exchange.request.conditions)
        return ready(answer, answer.range == nil ? nil : .shared(body), exchange)
    }

    /// The answer of content whose bytes are here.
    func answer(_ content: HotContent, _ bytes: ByteBuffer, _ exchange: HotExchange) -> HotAnswer {
        let answer = content.answer(exchange.request.conditions)
        let part = answer.range.flatMap { range in
            bytes.getSlice(
                at: bytes.readerIndex + Int(range.lowerBound),
                length: Int(range.upperBound - range.lowerBound))
        }
        return whole(answer, part.map { .shared($0) }, exchange)
    }

    private enum Body {
        case copied([UInt8])
        case shared(ByteBuffer)
    }

    private func ready(_ answer: ContentAnswer, _ body: Body?, _ exchange: HotExchange) -> Answer {
        .ready(whole(answer, body, exchange))
    }

    /// Bodies up to this size are sent in one piece with their head.
    private static let smallBody = 8 << 10

    private func whole(_ answer: ContentAnswer, _ body: Body?, _ exchange: HotExchange) -> HotAnswer {
        switch body {
        case nil: return head(answer, exchange)
        case .copied(let bytes):
            return head(answer, exchange, sent: bytes.count, reserving: bytes.count) { $0.writeBytes(bytes) }
        case .shared(let bytes) where bytes.readableBytes <= Self.smallBody:
            let count = bytes.readableBytes
            return head(answer, exchange, sent: count, reserving: count) { $0.writeImmutableBuffer(bytes) }
        case .shared(let bytes):
            var whole = head(answer, exchange, sent: bytes.readableBytes)
            whole.body = bytes
            return whole
        }
    }

    /// An answer's head, with whatever `add` puts behind it.
    func head(
        _ answer: ContentAnswer, _ exchange: HotExchange, sent: Int = 0, reserving space: Int = 0,
        _ add: (inout ByteBuffer) -> Void = { _ in }
    ) -> HotAnswer {
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
        for field in answer.closing { buffer.write(field) }
        buffer.writeStaticString("X-Request-Id: ")
        buffer.writeString(exchange.id.description)
        buffer.writeStaticString("\r\nDate: ")
        buffer.writeImmutableBuffer(date.now())
        buffer.writeStaticString("\r\n\r\n")
        add(&buffer)
        return HotAnswer(head: buffer, status: answer.status.code, sent: Int64(sent))
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
    func load(_ content: HotContent, on eventLoop: any EventLoop) -> EventLoopFuture<ByteBuffer> {
        let (digest, size) = (content.digest, content.size)
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
    func open(_ content: HotContent, on eventLoop: any EventLoop) -> EventLoopFuture<any BlobReader> {
        eventLoop.makeFutureWithTask { [registry] in
            try await registry.openBlob(content.digest, size: content.size)
        }
    }

    /// Notes that a request is being answered here.
    func begin() { operation.observer.begin() }

    /// Notes that a request was answered here.
    func end(_ exchange: HotExchange, _ status: Int, sent: Int64) {
        exchange.end(status, sent: sent, operation.observer)
        onAnswer()
    }

    /// Lets go of the store.
    func close() { reads.close() }

    /// Whether a blob of this size is answered from memory.
    func isSmall(_ size: Int64) -> Bool { size <= Int64(cache.largest) }
}
