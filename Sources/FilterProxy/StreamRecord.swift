// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import JSON

/// One HTTP stream as it passed one side of filters, from what Envoy's tap filter writes
/// (`envoy/data/tap/v3/http.proto`).
package struct StreamRecord: Hashable, Sendable {
    /// A name and a value; pseudo-headers such as `:path` are among them.
    package struct Header: Hashable, Sendable {
        /// In small letters, as Envoy has it.
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A request or a response.
    package struct Message: Hashable, Sendable {
        package var headers: [Header] = []
        package var body: [UInt8] = []
        /// Whether the body was longer than what is kept.
        package var isTruncated = false
        package var trailers: [Header] = []
        /// Seconds since midnight, UTC, at which the headers came.
        package var time: Double?

        package init() {}

        /// The first value of a header.
        package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    }

    /// Empty if none came as far.
    package let request: Message
    package let response: Message

    package init(request: Message, response: Message) {
        self.request = request
        self.response = response
    }

    /// Reads a tap's files of the format `JSON_BODY_AS_BYTES`; nil if these are none, or not whole yet.
    /// - Parameters:
    ///   - bytes: the `HttpBufferedTrace`: bodies and times.
    ///   - segments: the `HttpStreamedTraceSegment`s: headers and trailers as they passed.
    package init?(parsing bytes: [UInt8], segments: [UInt8]) {
        guard let document = try? JSONValue(parsing: bytes),
            let trace = document.object?["http_buffered_trace"]?.object,
            let documents = Self.documents(segments)
        else { return nil }
        var request = Message(trace["request"])
        var response = Message(trace["response"])
        let isAnswered = !response.headers.isEmpty
        request.headers = []
        response.headers = []
        request.trailers = []
        response.trailers = []
        for document in documents {
            guard let segment = document.object?["http_streamed_trace_segment"]?.object else { return nil }
            func headers(_ name: String) -> [Header] { Message.headers(segment[name]?.object?["headers"]) }
            request.headers += headers("request_headers")
            request.trailers += headers("request_trailers")
            response.headers += headers("response_headers")
            response.trailers += headers("response_trailers")
        }
        guard !isAnswered || !response.headers.isEmpty else { return nil }
        self.request = request
        self.response = response
    }

    /// JSON texts that stand one behind the other; nil if the last one has no end.
    private static func documents(_ bytes: [UInt8]) -> [JSONValue]? {
        var documents: [JSONValue] = []
        var (start, depth) = (0, 0)
        var (isString, isEscaped) = (false, false)
        for (index, byte) in bytes.enumerated() {
            if isString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isString = true
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"):
                depth -= 1
                guard depth == 0 else { continue }
                guard let document = try? JSONValue(parsing: bytes[start...index]) else { return nil }
                documents.append(document)
                start = index + 1
            default: break
            }
        }
        return depth == 0 && !isString ? documents : nil
    }

    /// Seconds from the headers of the request to those of the response.
    package var duration: Double? {
        guard let start = request.time, let end = response.time else { return nil }
        // A day may have ended in between.
        return end >= start ? end - start : end - start + 86_400
    }

    /// The response's status.
    package var status: Int? { response.header(":status").flatMap { Int($0) } }
}

extension StreamRecord.Message {
    fileprivate init(_ value: JSONValue?) {
        self.init()
        guard let object = value?.object else { return }
        headers = Self.headers(object["headers"])
        trailers = Self.headers(object["trailers"])
        if let body = object["body"]?.object {
            self.body = Self.bytes(body["as_bytes"])
            if case .bool(true)? = body["truncated"] { isTruncated = true }
        }
        time = object["headers_received_time"]?.string.flatMap(Self.seconds)
    }

    fileprivate static func headers(_ value: JSONValue?) -> [StreamRecord.Header] {
        (value?.array ?? []).compactMap { item in
            guard let item = item.object, let name = item["key"]?.string else { return nil }
            var text = item["value"]?.string ?? ""
            // Newer Envoys put what is no UTF-8 there.
            if text.isEmpty { text = String(decoding: bytes(item["raw_value"]), as: UTF8.self) }
            return StreamRecord.Header(name, text)
        }
    }

    private static func bytes(_ value: JSONValue?) -> [UInt8] {
        value?.string.flatMap { Data(base64Encoded: $0) }.map(Array.init) ?? []
    }

    /// The time of day in "2026-11-26T06:42:02.990823Z" (RFC 3339).
    private static func seconds(_ text: String) -> Double? {
        guard let start = text.firstIndex(of: "T"), text.hasSuffix("Z") else { return nil }
        let parts = text[text.index(after: start)...].dropLast().split(separator: ":").map { Double($0) }
        guard parts.count == 3, let hours = parts[0], let minutes = parts[1], let seconds = parts[2] else {
            return nil
        }
        return hours * 3600 + minutes * 60 + seconds
    }
}
