// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
package import OCI
package import SystemPackage

/// Whose certificates are trusted, and which certificate says who we are.
package struct TrustSettings: Hashable, Sendable {
    /// Certificates of authorities as PEM, the system's among them; empty for the system's alone.
    package var authorities: [UInt8] = []
    /// A file with the system's authorities, in place of the one that libcurl was built for.
    package var systemFile: FilePath?
    /// A folder with the system's authorities by their hash, in place of the one that libcurl was built for.
    package var systemFolder: FilePath?
    /// Our own certificate as PEM.
    package var certificate: FilePath?
    /// Its key as PEM; nil if it is in the certificate's file.
    package var key: FilePath?

    package init() {}
}

extension TrustSettings {
    /// Collects what is known for a registry: `SSL_CERT_FILE` and `SSL_CERT_DIR`, the folders that docker and podman
    /// have for it (`certs.d`), and what the command line adds.
    /// - Parameters:
    ///   - host: the registry.
    ///   - environment: the process's, or what stands for it.
    ///   - authority: a file with one more authority to trust.
    ///   - certificate: our own certificate, in place of the folders'.
    ///   - key: its key.
    /// - Throws: `RegistryError` or `SystemError` for a file that cannot be used.
    package init(
        for host: RegistryHost, environment: [String: String], authority: FilePath? = nil,
        certificate: FilePath? = nil, key: FilePath? = nil
    ) throws {
        func path(_ name: String) -> FilePath? {
            environment[name].flatMap { $0.isEmpty ? nil : FilePath($0) }
        }
        systemFile = path("SSL_CERT_FILE")
        systemFolder = path("SSL_CERT_DIR")
        var extra: [FilePath] = authority.map { [$0] } ?? []
        for folder in Self.folders(environment) {
            let folder = folder.appending(host.description)
            // Folders of root that others may not look into are common, and then not meant for us.
            let names = (try? Files.contents(folder)) ?? []
            extra += names.filter { $0.hasSuffix(".crt") }.map { folder.appending($0) }
            for name in names where name.hasSuffix(".cert") && self.certificate == nil {
                self.certificate = folder.appending(name)
                self.key = folder.appending(name.dropLast(5) + ".key")
            }
        }
        if let certificate {
            self.certificate = certificate
            self.key = key
        }
        for file in [self.certificate, self.key] { if let file { try Self.check(file) } }
        guard !extra.isEmpty else { return }
        for file in extra { authorities += try Self.certificates(file) + [0x0a] }
        authorities += try systemAuthorities()
    }

    /// docker's and podman's folders (containers-certs.d(5)).
    private static func folders(_ environment: [String: String]) -> [FilePath] {
        let home = environment["HOME"].flatMap { $0.isEmpty ? nil : FilePath($0) }
        let own = environment["XDG_CONFIG_HOME"].map { FilePath($0) } ?? home?.appending(".config")
        return [
            own?.pushing("containers/certs.d"), FilePath("/etc/containers/certs.d"),
            FilePath("/etc/docker/certs.d"),
        ].compactMap(\.self)
    }

    private static func certificates(_ file: FilePath) throws -> [UInt8] {
        let bytes = try Files.read(file, limit: 16 << 20)
        guard String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") else {
            throw RegistryError(
                .untrusted, "there is no certificate in \"\(file)\" as PEM",
                hint: "'openssl x509 -inform der -in \(file)' writes one that is DER as PEM", category: .usage
            )
        }
        return bytes
    }

    private static func check(_ file: FilePath) throws { _ = try FileSource(file) }

    /// The system's authorities, which a list of our own would otherwise be in place of.
    private func systemAuthorities() throws -> [UInt8] {
        if let systemFile { return try Files.read(systemFile) }
        let usual = [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
            "/etc/ssl/ca-bundle.pem",
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
        ]
        return try usual.first { Files.kind(FilePath($0)) == .file }.map { try Files.read(FilePath($0)) }
            ?? []
    }
}
