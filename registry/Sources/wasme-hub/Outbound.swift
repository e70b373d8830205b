// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Foundation
import Hub
import OCI
import OCIRegistry
import SystemPackage

/// Where a secret is kept; never what it is.
enum SecretPlace: Hashable {
    case file(FilePath)
    case variable(String)

    /// Reads what a configuration names; nil if it names nothing.
    init?(file: String?, variable: String?) throws(HubConfiguration.Problem) {
        switch (file, variable) {
        case (let file?, nil): self = .file(DataOption.path(file))
        case (nil, let variable?): self = .variable(variable)
        case (nil, nil): return nil
        case (_?, _?):
            throw HubConfiguration.Problem(text: "a secret is in a file or in a variable, not in both")
        }
    }

    /// The secret, without white space around it.
    func read(_ environment: [String: String]) throws -> String {
        let text: String
        switch self {
        case .file(let path):
            guard let data = try? Data(contentsOf: URL(filePath: path.string)), data.count <= 64 << 10,
                let content = String(validating: data, as: UTF8.self)
            else {
                throw HubError(
                    .configuration, "the secret in \"\(path)\" cannot be read",
                    hint: "make it readable for the hub's user", category: .usage)
            }
            text = content
        case .variable(let name):
            guard let value = environment[name] else {
                throw HubError(
                    .configuration, "the variable \(name) with a secret is not set", category: .usage)
            }
            text = value
        }
        let secret = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !secret.isEmpty else {
            throw HubError(.configuration, "a secret is empty", category: .usage)
        }
        return secret
    }
}

/// How the hub reaches others.
enum Outbound {
    /// Whose certificates are accepted of a server.
    static func trust(
        _ host: RegistryHost, _ authority: FilePath?, _ environment: [String: String],
        certificate: FilePath? = nil, key: FilePath? = nil
    ) throws -> TrustSettings {
        // What docker and podman of this user trust is no concern of a service.
        let own = environment.filter { ["SSL_CERT_FILE", "SSL_CERT_DIR"].contains($0.key) }
        return try TrustSettings(
            for: host, environment: own, authority: authority, certificate: certificate, key: key)
    }
}

extension HubConfiguration {
    /// Refuses an address that the hub sends nothing to, where it is written and not only when it is used.
    static func checkReachable(_ authority: String) throws(Problem) {
        guard LinkLocalAddress.isNamed(by: authority) else { return }
        throw Problem(
            text:
                "\"\(authority)\" is a link-local address, where clouds keep credentials: the hub sends nothing there"
        )
    }
}
