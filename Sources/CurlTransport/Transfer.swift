// SPDX-License-Identifier: Apache-2.0

import CCurl
import HTTPTypes
import OCI
import OCIRegistry
import Synchronization

/// One exchange: an easy handle, the two bodies, and the caller who waits.
///
/// Made by the caller, then handed to the loop's thread, which is the only one to touch it from there on; the flag
/// `isCancelled` is the exception. That hand-over is what makes it safe to send.
final class Transfer: @unchecked Sendable {
    let isCancelled = Atomic(false)
    /// Who waits; set before the hand-over, resumed exactly once.
    var continuation: CheckedContinuation<HTTPResponse, any Error>?

    private let request: HTTPRequest
    private let url: String
    private let body: HTTPBody?
    private let options: HTTPTransportOptions
    private let receive: (HTTPResponse) throws -> (any ByteSink)?

    private var easy: UnsafeMutableRawPointer?
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>
    private var source: (any ByteSource)?
    private var sent: Int64 = 0
    private var head = ResponseHeadParser()
    private var sink: (any ByteSink)?
    private var isHeadDelivered = false
    /// What a source, a sink or the receiver threw: it ends the transfer and is what the caller gets.
    private var failure: (any Error)?

    init(
        _ request: HTTPRequest, body: HTTPBody?, options: HTTPTransportOptions,
        receive: @escaping (HTTPResponse) throws -> (any ByteSink)?
    ) throws(HTTPTransportError) {
        guard let scheme = request.scheme, let authority = request.authority, let path = request.path else {
            throw HTTPTransportError(.other, "the request has no absolute URL")
        }
        self.request = request
        url = "\(scheme)://\(authority)\(path)"
        // These methods carry a body by meaning: without one, its length of zero has to be said.
        let wantsLength = [.post, .put, .patch].contains(request.method)
        self.body = body ?? (wantsLength ? HTTPBody([]) : nil)
        self.options = options
        self.receive = receive
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit { errorText.deallocate() }

    /// Makes the handle that the loop drives.
    func open() throws -> UnsafeMutableRawPointer {
        guard let easy = curl_easy_init() else {
            throw HTTPTransportError(.other, "libcurl cannot make a transfer")
        }
        self.easy = easy
        try configure(EasyHandle(raw: easy))
        return easy
    }

    /// Ends the transfer with what libcurl says of it.
    func finish(_ result: CURLcode) {
        if let failure {
            fail(failure)
        } else if result == CURLE_OK {
            do {
                try deliverHead()
                guard let response = head.response else {
                    throw HTTPTransportError(.notHTTP, "\"\(origin)\" answered without a status")
                }
                conclude(.success(response))
            } catch {
                fail(error)
            }
        } else {
            fail(HTTPTransportError(result, detail: String(cString: errorText), origin: origin))
        }
    }

    /// Ends the transfer with an error.
    func fail(_ error: any Error) { conclude(.failure(error)) }

    private func conclude(_ result: Result<HTTPResponse, any Error>) {
        if let easy { curl_easy_cleanup(easy) }
        curl_slist_free_all(headers)
        easy = nil
        headers = nil
        source = nil
        sink = nil
        continuation?.resume(with: result)
        continuation = nil
    }

    /// Scheme, host and port: what may be shown of a URL.
    private var origin: String {
        "\(request.scheme ?? "")://\(request.authority.map { $0.split(separator: "@").last ?? "" } ?? "")"
    }
}

// MARK: - Settings

extension Transfer {
    private func configure(_ easy: EasyHandle) throws {
        try easy.set(CURLOPT_URL, url)
        try easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try easy.set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        try easy.set(CURLOPT_PATH_AS_IS, 1)
        try easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        try easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // Signals would hit any thread of the process.
        try easy.set(CURLOPT_NOSIGNAL, 1)
        try easy.set(CURLOPT_TCP_KEEPALIVE, 1)
        try easy.set(CURLOPT_BUFFERSIZE, 128 << 10)
        try easy.set(CURLOPT_UPLOAD_BUFFERSIZE, 128 << 10)
        try easy.set(CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(options.connectTimeout * 1000)))
        try easy.set(CURLOPT_LOW_SPEED_LIMIT, 1)
        try easy.set(CURLOPT_LOW_SPEED_TIME, max(1, Int(options.stallTimeout.rounded(.up))))
        if options.insecure {
            try easy.set(CURLOPT_SSL_VERIFYPEER, 0)
            try easy.set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        try easy.set(CURLOPT_ERRORBUFFER, pointer: errorText)
        try setMethod(easy)
        try setHeaders(easy)
        try setCallbacks(easy)
    }

    private func setMethod(_ easy: EasyHandle) throws {
        if request.method == .head {
            try easy.set(CURLOPT_NOBODY, 1)
        } else {
            if let body {
                try easy.set(CURLOPT_UPLOAD, 1)
                try easy.set(CURLOPT_INFILESIZE_LARGE, offset: body.length)
                source = try body.open()
            }
            try easy.set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
    }

    private func setHeaders(_ easy: EasyHandle) throws {
        for field in request.headerFields where !Self.ownHeaders.contains(field.name) {
            // libcurl's spelling of a header that is there and empty ends in a semicolon.
            append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        // Asking first costs a round trip, or a second where nobody answers: worth it for large bodies only.
        if (body?.length ?? 0) < Self.expectThreshold { append("Expect:") }
        try easy.check(wasme_curl_set_headers(easy.raw, headers))
    }

    private func append(_ line: String) {
        // A nil answer means that there was no memory; the list before it stays valid.
        if let longer = curl_slist_append(headers, line) { headers = longer }
    }

    /// Headers that follow from the body and are libcurl's to write.
    private static let ownHeaders: Set<HTTPField.Name> = [.contentLength, .transferEncoding, .expect]
    private static let expectThreshold: Int64 = 1 << 20

    private func setCallbacks(_ easy: EasyHandle) throws {
        let me = Unmanaged.passUnretained(self).toOpaque()
        try easy.set(CURLOPT_WRITEDATA, pointer: me)
        try easy.set(CURLOPT_HEADERDATA, pointer: me)
        try easy.set(CURLOPT_READDATA, pointer: me)
        try easy.set(CURLOPT_SEEKDATA, pointer: me)
        try easy.check(
            wasme_curl_set_consumer(easy.raw, CURLOPT_HEADERFUNCTION) { line, size, count, transfer in
                Transfer.from(transfer)?.accept(
                    header: UnsafeRawBufferPointer(start: line, count: size * count))
                    ?? 0
            })
        try easy.check(
            wasme_curl_set_consumer(easy.raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, transfer in
                Transfer.from(transfer)?.accept(
                    body: UnsafeRawBufferPointer(start: bytes, count: size * count))
                    ?? 0
            })
        try easy.check(
            wasme_curl_set_read(easy.raw) { buffer, size, count, transfer in
                let buffer = UnsafeMutableRawBufferPointer(start: buffer, count: size * count)
                return Transfer.from(transfer)?.fill(buffer) ?? Int(CURL_READFUNC_ABORT)
            })
        try easy.check(
            wasme_curl_set_seek(easy.raw) { transfer, offset, origin in
                guard origin == SEEK_SET, let transfer = Transfer.from(transfer) else {
                    return CURL_SEEKFUNC_CANTSEEK
                }
                return transfer.rewind(to: Int64(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
            })
    }
}

// MARK: - Callbacks, on the loop's thread

extension Transfer {
    /// The loop holds the transfer for as long as its handle is open, so the pointer that libcurl gives back is valid.
    private static func from(_ pointer: UnsafeMutableRawPointer?) -> Transfer? {
        pointer.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Takes one header line; anything but its length stops the transfer.
    private func accept(header line: UnsafeRawBufferPointer) -> Int {
        attempt(orElse: 0) {
            guard head.accept(line) else {
                throw HTTPTransportError(.other, "\"\(origin)\" answered with more than 256 KiB of headers")
            }
            return line.count
        }
    }

    private func accept(body bytes: UnsafeRawBufferPointer) -> Int {
        attempt(orElse: 0) {
            try deliverHead()
            try sink?.write(bytes)
            return bytes.count
        }
    }

    /// Reads the next bytes to send, never more than were announced.
    private func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        attempt(orElse: Int(CURL_READFUNC_ABORT)) {
            guard let source, let length = body?.length else { return 0 }
            let wanted = Int(min(Int64(buffer.count), length - sent))
            guard wanted > 0 else { return 0 }
            let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
            // The server would wait for the missing bytes until it or we lose patience.
            guard count > 0 else { throw ByteStreamError.tooShort(expected: length, actual: sent) }
            sent += Int64(count)
            return count
        }
    }

    /// libcurl sends a body again when a kept connection turns out to be dead.
    private func rewind(to offset: Int64) -> Bool {
        attempt(orElse: false) {
            try source?.seek(to: offset)
            sent = offset
            return true
        }
    }

    /// Hands the response head over once, with the first byte of the body or at the end.
    ///
    /// Not earlier: libcurl may answer a 417 itself by sending the request again, and that head is not the final one.
    private func deliverHead() throws {
        guard !isHeadDelivered, let response = head.response else { return }
        isHeadDelivered = true
        sink = try receive(response)
    }

    private func attempt<Value>(orElse abort: Value, _ work: () throws -> Value) -> Value {
        do {
            return try work()
        } catch {
            if failure == nil { failure = error }
            return abort
        }
    }
}
