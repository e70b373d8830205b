// SPDX-License-Identifier: Apache-2.0

package import Diagnostics
import OCI

/// Why a registry could not be asked or what it refused.
package struct RegistryError: Diagnostic {
    /// What went wrong, for programs.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// No connection: unknown name, closed port, time out.
        package static let unreachable = Code(rawValue: "unreachable")
        /// The certificate is not trusted, or TLS failed otherwise.
        package static let untrusted = Code(rawValue: "untrusted")
        /// What answers speaks another protocol: plain HTTP for https, or no HTTP at all.
        package static let wrongProtocol = Code(rawValue: "wrongProtocol")
        /// The connection broke, again and again.
        package static let connectionLost = Code(rawValue: "connectionLost")
        /// The registry wants to know who asks, or does not accept the credentials.
        package static let unauthorized = Code(rawValue: "unauthorized")
        /// The registry knows who asks and refuses.
        package static let denied = Code(rawValue: "denied")
        /// No such repository.
        package static let nameUnknown = Code(rawValue: "nameUnknown")
        /// No such manifest in the repository.
        package static let manifestUnknown = Code(rawValue: "manifestUnknown")
        /// No such blob in the repository.
        package static let blobUnknown = Code(rawValue: "blobUnknown")
        /// Nothing there; the registry does not say more.
        package static let notFound = Code(rawValue: "notFound")
        /// Too many requests.
        package static let rateLimited = Code(rawValue: "rateLimited")
        /// The registry or something before it is out of order.
        package static let unavailable = Code(rawValue: "unavailable")
        /// Content does not have the digest or the size that it was asked by.
        package static let contentMismatch = Code(rawValue: "contentMismatch")
        /// The answer is not what the specification allows.
        package static let badAnswer = Code(rawValue: "badAnswer")
        /// Any other refusal.
        package static let refused = Code(rawValue: "refused")
        /// Stored credentials cannot be read.
        package static let credentials = Code(rawValue: "credentials")
    }

    package let code: Code
    package let message: String
    package var cause: (any Error)?
    package var hint: String?
    package var category: DiagnosticCategory
    /// The HTTP status, if there was an answer.
    package var status: Int?
    /// The error codes that the registry gave (distribution-spec 1.1, "Error Codes").
    package var serverCodes: [String] = []
    /// Whether the same request may succeed later.
    package var isTemporary = false
    /// How long the registry asks to wait.
    package var retryAfter: Duration?

    package init(
        _ code: Code, _ message: String, cause: (any Error)? = nil, hint: String? = nil,
        category: DiagnosticCategory = .failed
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
        self.category = category
    }
}

extension RegistryError {
    /// No answer came.
    /// - Parameters:
    ///   - action: what was tried, on which thing, as in `read manifest "host/name:tag"`.
    ///   - host: the registry.
    ///   - error: what the transport says.
    init(_ action: String, _ host: RegistryHost, _ error: HTTPTransportError) {
        let isTLS = error.message.contains("https://")
        let accepting = "--insecure accepts any, for a test"
        let (code, hint): (Code, String) =
            switch error.code {
            case .connectionRefused where host.isLoopback:
                (.unreachable, "is the hub running? start it with 'wasme-hub serve'")
            case .connectionRefused, .timedOut, .stalled:
                (.unreachable, "check the registry's name and port, the network and the proxy settings")
            case .refusedAddress: (.unreachable, "name a host with an address of its own")
            case .unknownHost:
                (.unreachable, "check the spelling of \"\(host)\", the network and the DNS settings")
            case .unknownAuthority:
                (.untrusted, "name the certificate of its authority with --ca FILE; \(accepting)")
            case .expiredCertificate:
                (.untrusted, "check this machine's clock, and have the certificate renewed; \(accepting)")
            case .wrongHost:
                (.untrusted, "use the name that is in the certificate; \(accepting)")
            case .clientCertificate:
                (
                    .untrusted,
                    "name a certificate that \"\(host)\" accepts with --cert FILE, and its key with --key FILE"
                )
            case .tls:
                (
                    .untrusted,
                    "check that \"\(host)\" speaks TLS 1.2 or later; --plain-http does without, for a test"
                )
            case .proxy:
                (.unreachable, "check http_proxy, https_proxy, all_proxy and no_proxy in the environment")
            case .proxyUnauthorized:
                (.unreachable, "name a user there, as in https_proxy=http://user:password@host:port")
            case .notHTTP where isTLS: (.wrongProtocol, "if the registry speaks plain HTTP, add --plain-http")
            case .notHTTP:
                (.wrongProtocol, "check the port of \"\(host)\"; a registry with TLS needs no --plain-http")
            case .connectionLost: (.connectionLost, "check the network, then try again")
            case .other: (.unreachable, "check the registry's name, the network and the proxy settings")
            }
        self.init(code, "cannot \(action)", cause: error, hint: hint, category: .unreachable)
        isTemporary = [.connectionLost, .stalled].contains(error.code)
    }

    /// A page for people came where a registry's answer was expected.
    static func webPage(_ action: String, _ host: RegistryHost) -> RegistryError {
        var error = RegistryError(
            .badAnswer, "cannot \(action): \"\(host)\" answered with a web page",
            hint: "is there a registry at \"\(host)\"? check the name and the port")
        error.status = 200
        return error
    }

    /// An answer that is not what the specification allows.
    static func badAnswer(_ action: String, _ why: String) -> RegistryError {
        RegistryError(
            .badAnswer, "cannot \(action): \(why)",
            hint: "check that a registry answers at this address, and its version")
    }

    /// Content that is not what its address says.
    static func mismatch(_ action: String, _ error: ByteStreamError) -> RegistryError {
        RegistryError(
            .contentMismatch, "cannot \(action)", cause: error,
            hint:
                "the registry's copy is damaged or was altered on the way; push it again or use another registry"
        )
    }
}
