// SPDX-License-Identifier: Apache-2.0

import CCurl
import HTTPTypes
import OCI
import OCIRegistry
import Synchronization

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// One exchange: an easy handle, the two bodies, and the caller who waits.
///
/// Made by the caller, then handed to the loop's thread, which is the only one to touch it from there on; the flag
/// `isCancelled` is the exception. That hand-over is what makes it safe to send.
final class Transfer: @unchecked Sendable {
    let isCancelled = Atomic(false)
    /// Who waits; set before the hand-over, resumed exactly once.
    var continuation: CheckedContinuation<HTTPResponse, any Error>?

    let request: HTTPRequest
    let url: String
    let body: HTTPBody?
    let options: HTTPTransportOptions
    let proxy: HTTPProxy?
    private let receive: (HTTPResponse) throws -> (any ByteSink)?

    private var easy: UnsafeMutableRawPointer?
    var headers: UnsafeMutablePointer<curl_slist>?
    let errorText: UnsafeMutablePointer<CChar>
    var source: (any ByteSource)?
    private var sent: Int64 = 0
    private var head = ResponseHeadParser()
    private var sink: (any ByteSink)?
    private var isHeadDelivered = false
    /// What a source, a sink or the receiver threw: it ends the transfer and is what the caller gets.
    private var failure: (any Error)?
    /// Whether an address was left out that is not to be asked.
    private var refusedAddress = false

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
        // What is written as an address is known here, also when a proxy makes the connection.
        guard !options.refusesLinkLocal || !LinkLocalAddress.isNamed(by: authority) else {
            throw HTTPTransportError(refusing: "\(scheme)://\(authority)")
        }
        proxy = try options.proxies.proxy(scheme: scheme, authority: authority)
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
        } else if refusedAddress, result == CURLE_COULDNT_CONNECT {
            fail(HTTPTransportError(refusing: origin))
        } else {
            fail(
                HTTPTransportError(
                    result, detail: String(cString: errorText), origin: origin, proxy: proxy, step: step))
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

    /// What was being done, for a transfer that took too long.
    private var step: TransferStep {
        guard let easy else { return .connecting }
        let handle = EasyHandle(raw: easy)
        if handle.time(CURLINFO_CONNECT_TIME_T) == 0 { return .connecting }
        if request.scheme == "https", handle.time(CURLINFO_APPCONNECT_TIME_T) == 0 { return .agreeing }
        if head.response != nil { return .receiving }
        return sent < (body?.length ?? 0) ? .sending : .waiting
    }

    /// Scheme, host and port: what may be shown of a URL.
    private var origin: String {
        "\(request.scheme ?? "")://\(request.authority.map { $0.split(separator: "@").last ?? "" } ?? "")"
    }
}

// MARK: - Callbacks, on the loop's thread

extension Transfer {
    /// The loop holds the transfer for as long as its handle is open, so the pointer that libcurl gives back is valid.
    static func from(_ pointer: UnsafeMutableRawPointer?) -> Transfer? {
        pointer.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Takes one header line; anything but its length stops the transfer.
    func accept(header line: UnsafeRawBufferPointer) -> Int {
        attempt(orElse: 0) {
            guard head.accept(line) else {
                throw HTTPTransportError(.other, "\"\(origin)\" answered with more than 256 KiB of headers")
            }
            return line.count
        }
    }

    func accept(body bytes: UnsafeRawBufferPointer) -> Int {
        attempt(orElse: 0) {
            try deliverHead()
            try sink?.write(bytes)
            return bytes.count
        }
    }

    /// Reads the next bytes to send, never more than were announced.
    func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
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

    /// Makes the socket for an address that the name led to, unless that one is not to be asked: whatever a name service
    /// says, it is this address and no other that is connected to.
    func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        // More bytes than the type says: libcurl keeps IPv6 addresses behind it.
        let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) ?? 0
        let name = UnsafeRawBufferPointer(
            start: UnsafeRawPointer(address) + offset, count: Int(address.pointee.addrlen))
        let bytes: Range<Int>? =
            switch address.pointee.family {
            // Where sockaddr_in and sockaddr_in6 have the address.
            case AF_INET: 4..<8
            case AF_INET6: 8..<24
            default: nil
            }
        if let bytes, bytes.upperBound <= name.count, !LinkLocalAddress.contains(Array(name[bytes])) {
            return socket(
                address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue),
                address.pointee.protocol)
        }
        refusedAddress = true
        return CURL_SOCKET_BAD
    }

    /// Whether libcurl may send the request, for the first time or again by itself.
    ///
    /// It would like to do so again when a kept connection breaks before an answer. Once something of the body was
    /// read, it may not: the server may have acted all the same, and only the caller knows what a second time would
    /// do. Besides, libcurl (7.88) forgets to rewind a body that was read but not yet sent.
    func maySend() -> Bool {
        attempt(orElse: false) {
            guard sent == 0 else {
                throw HTTPTransportError(
                    .connectionLost, "the connection to \"\(origin)\" broke before an answer came")
            }
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
