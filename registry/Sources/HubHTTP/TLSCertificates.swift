// SPDX-License-Identifier: Apache-2.0

import Diagnostics
private import Foundation
package import Hub
import NIOSSL
private import Synchronization

/// The certificate that connections are encrypted with, and its key: two PEM files that may change.
///
/// Connections that are open keep what they began with.
package final class TLSCertificates: Sendable {
    package let certificate: String
    package let key: String
    private let state: Mutex<State>

    private struct State {
        var context: NIOSSLContext
        /// When the certificate ends, in seconds since 1970.
        var expiry: Int64
        /// What the files were when they were read.
        var version: [FileVersion]
    }

    /// Reads the files: the certificate with those that lead to its authority, in this order, and the key.
    package init(certificate: String, key: String) throws {
        self.certificate = certificate
        self.key = key
        state = Mutex(try Self.load(certificate, key))
    }

    /// When the certificate ends, in seconds since 1970.
    package var expiry: Int64 { state.withLock { $0.expiry } }

    /// Whether the files are others than those that were read.
    package var haveChanged: Bool {
        let now = [FileVersion(certificate), FileVersion(key)]
        return state.withLock { $0.version != now }
    }

    /// Reads the files again; if they will not do, what was read before stays in use.
    package func reload() throws {
        let version = [FileVersion(certificate), FileVersion(key)]
        do {
            let loaded = try Self.load(certificate, key)
            state.withLock { $0 = loaded }
        } catch {
            // The same files are not tried again and again.
            state.withLock { $0.version = version }
            throw error
        }
    }

    /// The handler that encrypts a connection.
    func handler() -> NIOSSLServerHandler {
        NIOSSLServerHandler(context: state.withLock { $0.context })
    }

    private static func load(_ certificate: String, _ key: String) throws -> State {
        let version = [FileVersion(certificate), FileVersion(key)]
        let chain = try read(certificate, "certificate") { try NIOSSLCertificate.fromPEMBytes($0) }
        guard let first = chain.first else {
            throw HubError(tls: "\"\(certificate)\" holds no certificate", nil)
        }
        let privateKey = try read(key, "key") { try NIOSSLPrivateKey(bytes: $0, format: .pem) }
        let expiry = Int64(first.notValidAfter)
        guard expiry > Int64(Date().timeIntervalSince1970) else {
            let time = Date(timeIntervalSince1970: TimeInterval(expiry)).formatted(.iso8601)
            throw HubError(tls: "the certificate in \"\(certificate)\" expired at \(time)", nil)
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            return State(
                context: try NIOSSLContext(configuration: configuration), expiry: expiry, version: version)
        } catch {
            throw HubError(
                tls: "the key in \"\(key)\" is not that of the certificate in \"\(certificate)\"", error)
        }
    }

    private static func read<Value>(
        _ path: String, _ what: String, _ parse: ([UInt8]) throws -> Value
    ) throws -> Value {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw HubError(tls: "the \(what) \"\(path)\" cannot be read", error)
        }
        do {
            return try parse(Array(bytes))
        } catch {
            throw HubError(tls: "\"\(path)\" holds no \(what) in PEM", error)
        }
    }
}

extension HubError {
    fileprivate init(tls message: String, _ cause: (any Error)?) {
        self.init(
            .tls, message, cause: cause,
            hint:
                "tls.certificate names a PEM file with the certificate and its chain, tls.key one with its key",
            category: .usage)
    }
}

extension HubError.Code {
    /// A certificate or its key that will not do.
    package static let tls = Self("UNKNOWN", kind: "tls")
}
