// SPDX-License-Identifier: Apache-2.0

import CCurl
import OCIRegistry

extension HTTPTransportError {
    /// Says in our words what libcurl's result means.
    /// - Parameters:
    ///   - result: what the transfer ended with; not `CURLE_OK`.
    ///   - detail: libcurl's text on it, which may be empty.
    ///   - origin: scheme, host and port of the request.
    init(_ result: CURLcode, detail: String, origin: String) {
        let reason = detail.isEmpty ? String(cString: curl_easy_strerror(result)) : detail
        let code = Self.code(of: result, detail: detail)
        // libcurl's texts are sentences of a line; a server's words may be among them.
        let shown = String(reason.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(200))
        let text = shown.prefix(1).lowercased() + shown.dropFirst()
        switch code {
        case .unknownHost: self.init(code, "\"\(origin)\": the host name has no address (\(text))")
        case .connectionRefused: self.init(code, "\"\(origin)\" cannot be connected to (\(text))")
        case .timedOut: self.init(code, "\"\(origin)\" took too long (\(text))")
        case .tls: self.init(code, "no trusted connection to \"\(origin)\" (\(text))")
        case .notHTTP: self.init(code, "what answers at \"\(origin)\" does not speak \(Self.dialect(origin))")
        case .connectionLost: self.init(code, "the connection to \"\(origin)\" broke (\(text))")
        case .other: self.init(code, "\"\(origin)\": \(text)")
        }
    }

    private static func dialect(_ origin: String) -> String {
        origin.hasPrefix("https:") ? "https" : "plain http"
    }

    private static func code(of result: CURLcode, detail: String) -> Code {
        switch result {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .unknownHost
        case CURLE_COULDNT_CONNECT: .connectionRefused
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_SSL_CONNECT_ERROR:
            // OpenSSL read something that is no TLS record: most often a plain-text HTTP answer.
            plainTextSigns.contains { detail.contains($0) } ? .notHTTP : .tls
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
            .tls
        case CURLE_WEIRD_SERVER_REPLY: .notHTTP
        case CURLE_UNSUPPORTED_PROTOCOL: detail.contains("HTTP/0.9") ? .notHTTP : .other
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2,
            CURLE_HTTP2_STREAM:
            .connectionLost
        default: .other
        }
    }

    private static let plainTextSigns = [
        "wrong version number", "packet length too long", "http request", "unknown protocol",
    ]
}
