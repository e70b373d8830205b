// SPDX-License-Identifier: Apache-2.0

import CCurl
import OCIRegistry

/// How far a transfer had come.
enum TransferStep: String {
    case connecting = "no connection came about"
    case agreeing = "TLS was not agreed on"
    case sending = "the request was not taken any further"
    case waiting = "no answer came"
    case receiving = "the answer did not go on"
}

extension HTTPTransportError {
    /// Says in our words what libcurl's result means.
    /// - Parameters:
    ///   - result: what the transfer ended with; not `CURLE_OK`.
    ///   - detail: libcurl's text on it, which may be empty.
    ///   - origin: scheme, host and port of the request.
    ///   - proxy: what the request went through.
    ///   - step: how far it had come.
    init(_ result: CURLcode, detail: String, origin: String, proxy: HTTPProxy?, step: TransferStep) {
        let reason = detail.isEmpty ? String(cString: curl_easy_strerror(result)) : detail
        let code = Self.code(of: result, detail: detail, hasProxy: proxy != nil, step: step)
        // libcurl's texts are sentences of a line; a server's words may be among them.
        let shown = String(reason.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(200))
        let isAcronym = shown.dropFirst().first?.isUppercase == true
        let text = isAcronym ? shown : shown.prefix(1).lowercased() + shown.dropFirst()
        let way = proxy.map { " through the proxy \"\($0)\"" } ?? ""
        switch code {
        case .unknownHost: self.init(code, "\"\(origin)\": the host name has no address (\(text))")
        case .refusedAddress: self.init(refusing: origin)
        case .connectionRefused: self.init(code, "\"\(origin)\" cannot be connected to (\(text))")
        case .timedOut, .stalled:
            self.init(code, "\"\(origin)\"\(way) took too long: \(step.rawValue) (\(text))")
        case .tls: self.init(code, "no trusted connection to \"\(origin)\" (\(text))")
        case .unknownAuthority:
            self.init(code, "the certificate of \"\(origin)\" comes from nobody who is trusted (\(text))")
        case .expiredCertificate:
            self.init(code, "the certificate of \"\(origin)\" is not valid at this time (\(text))")
        case .wrongHost: self.init(code, "the certificate of \"\(origin)\" is another host's (\(text))")
        case .clientCertificate: self.init(code, "\"\(origin)\" does not know who we are (\(text))")
        case .proxy, .proxyUnauthorized:
            self.init(code, "\"\(origin)\" cannot be reached\(way) (\(text))")
        case .notHTTP: self.init(code, "what answers at \"\(origin)\" does not speak \(Self.dialect(origin))")
        case .connectionLost: self.init(code, "the connection to \"\(origin)\"\(way) broke (\(text))")
        case .other: self.init(code, "\"\(origin)\": \(text)")
        }
    }

    /// The address of `origin` is one that nothing is sent to.
    init(refusing origin: String) {
        self.init(.refusedAddress, "\"\(origin)\" leads to a link-local address, which is not asked")
    }

    private static func dialect(_ origin: String) -> String {
        origin.hasPrefix("https:") ? "https" : "plain http"
    }

    private static func code(
        of result: CURLcode, detail: String, hasProxy: Bool, step: TransferStep
    ) -> Code {
        func says(_ signs: [String]) -> Bool { signs.contains { detail.contains($0) } }
        switch result {
        case CURLE_COULDNT_RESOLVE_HOST: return .unknownHost
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: return .proxy
        case CURLE_COULDNT_CONNECT: return hasProxy ? .proxy : .connectionRefused
        case CURLE_OPERATION_TIMEDOUT: return [.sending, .receiving].contains(step) ? .stalled : .timedOut
        case CURLE_SSL_CERTPROBLEM: return .clientCertificate
        case _ where says(expirySigns): return .expiredCertificate
        case _ where says(hostSigns): return .wrongHost
        case _ where says(authoritySigns): return .unknownAuthority
        // The server's refusal of ours may come after the handshake, when the answer is read (RFC 8446 §4.4.2.4).
        case _ where says(clientSigns): return .clientCertificate
        case CURLE_SSL_CONNECT_ERROR:
            // OpenSSL read something that is no TLS record: most often a plain-text HTTP answer.
            return says(plainTextSigns) ? .notHTTP : .tls
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_USE_SSL_FAILED:
            return .tls
        case CURLE_WEIRD_SERVER_REPLY: return .notHTTP
        case CURLE_UNSUPPORTED_PROTOCOL: return says(["HTTP/0.9"]) ? .notHTTP : .other
        case CURLE_RECV_ERROR where hasProxy && says(["response 407", "response 401"]):
            return .proxyUnauthorized
        case CURLE_RECV_ERROR where hasProxy && says(["CONNECT"]): return .proxy
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2,
            CURLE_HTTP2_STREAM:
            return .connectionLost
        default: return .other
        }
    }

    private static let plainTextSigns = [
        "wrong version number", "packet length too long", "http request", "unknown protocol",
    ]
    private static let expirySigns = ["certificate has expired", "certificate is not yet valid"]
    private static let hostSigns = [
        "no alternative certificate subject name matches", "does not match target host name",
    ]
    private static let authoritySigns = [
        "self-signed certificate", "self signed certificate", "unable to get local issuer certificate",
        "unable to verify the first certificate",
    ]
    private static let clientSigns = [
        "alert certificate required", "alert bad certificate", "alert unknown ca",
        "alert certificate unknown",
        "alert certificate expired", "alert certificate revoked",
    ]
}
