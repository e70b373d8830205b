// SPDX-License-Identifier: Apache-2.0

package import SystemPackage
private import Testing

/// An authority of a test's own, and the certificates that it issues, made by `openssl`.
package struct CertificateAuthority: Sendable {
    /// A certificate and its key, as PEM files.
    package struct Issued: Sendable {
        package let certificate: FilePath
        package let key: FilePath
        /// Keeps the files.
        private let folder: ScratchDirectory?

        package init(certificate: FilePath, key: FilePath, in folder: ScratchDirectory? = nil) {
            self.certificate = certificate
            self.key = key
            self.folder = folder
        }
    }

    /// The authority's own certificate, as a PEM file.
    package let certificate: FilePath
    private let key: FilePath
    private let scratch: ScratchDirectory

    package init(_ name: String = "test authority") async throws {
        scratch = try ScratchDirectory("authority")
        certificate = scratch.appending("ca.pem")
        key = scratch.appending("ca.key")
        try await Self.openssl(
            ["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=\(name)"] + Self.newKey(key)
                + ["-out", certificate.string])
    }

    /// Issues a certificate.
    /// - Parameters:
    ///   - name: whose it is; also the name of its files.
    ///   - hosts: what it is good for, as in `IP:127.0.0.1`.
    ///   - days: how long; one that is negative gives a certificate that has expired.
    /// - Returns: its files.
    /// - Throws: `ProcessFailure`.
    package func issue(
        _ name: String, hosts: [String] = ["IP:127.0.0.1", "IP:0.0.0.0", "DNS:localhost"], days: Int = 30
    ) async throws -> Issued {
        let issued = Issued(
            certificate: scratch.appending("\(name).pem"), key: scratch.appending("\(name).key"),
            in: scratch)
        let request = scratch.appending("\(name).csr").string
        let extensions = try scratch.write(
            "\(name).ext", "subjectAltName=\(hosts.joined(separator: ","))\n")
        try await Self.openssl(
            ["req", "-nodes", "-subj", "/CN=\(name)"] + Self.newKey(issued.key) + ["-out", request])
        try await Self.openssl([
            "x509", "-req", "-in", request, "-CA", certificate.string, "-CAkey", key.string, "-days",
            "\(days)",
            "-extfile", extensions.string, "-out", issued.certificate.string,
        ])
        return issued
    }

    private static func newKey(_ file: FilePath) -> [String] {
        ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", file.string]
    }

    private static func openssl(_ arguments: [String]) async throws {
        let outcome = try await run(try #require(Tool.openssl.path), arguments)
        guard outcome.status == 0 else { throw ProcessFailure(description: outcome.stderr) }
    }
}
