// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

@Suite struct TrustSettingsTests {
    private func pem(_ text: String) -> String {
        "-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n"
    }

    @Test func `podman's folder for a registry is read`() throws {
        let scratch = try ScratchDirectory("trust")
        try scratch.write("containers/certs.d/r.io:5000/ca.crt", pem("AAAA"))
        try scratch.write("containers/certs.d/r.io:5000/more.crt", pem("BBBB"))
        let certificate = try scratch.write("containers/certs.d/r.io:5000/client.cert", pem("CCCC"))
        let key = try scratch.write("containers/certs.d/r.io:5000/client.key", "key")
        let environment = ["XDG_CONFIG_HOME": scratch.path.string]
        let trust = try TrustSettings(for: RegistryHost("r.io:5000"), environment: environment)
        let text = String(decoding: trust.authorities, as: UTF8.self)
        #expect(text.contains("AAAA") && text.contains("BBBB") && !text.contains("CCCC"))
        #expect(trust.certificate == certificate && trust.key == key)
        #expect(try TrustSettings(for: RegistryHost("r.io"), environment: environment) == TrustSettings())
    }

    @Test func `what a command line names goes first, the system's authorities stay`() throws {
        let scratch = try ScratchDirectory("trust")
        let system = try scratch.write("system.pem", pem("SYSTEM"))
        let authority = try scratch.write("ca.pem", pem("OWN"))
        let both = try scratch.write("both.pem", pem("ME"))
        let trust = try TrustSettings(
            for: RegistryHost("r.io"),
            environment: ["SSL_CERT_FILE": system.string, "SSL_CERT_DIR": "/certs"],
            authority: authority, certificate: both)
        let text = String(decoding: trust.authorities, as: UTF8.self)
        #expect(text.contains("OWN") && text.contains("SYSTEM"))
        #expect(trust.certificate == both && trust.key == nil && trust.systemFolder == "/certs")
    }

    @Test func `a file that is missing or no PEM is named`() async throws {
        let scratch = try ScratchDirectory("trust")
        let binary = try scratch.write("ca.der", "0\u{1}")
        let error = await failure {
            _ = try TrustSettings(for: RegistryHost("r.io"), environment: [:], authority: binary)
        }
        #expect(error?.message.contains(binary.string) == true && error?.category == .usage)
        let missing = scratch.appending("missing.pem")
        #expect(throws: SystemError.self) {
            try TrustSettings(for: RegistryHost("r.io"), environment: [:], certificate: missing)
        }
    }
}
