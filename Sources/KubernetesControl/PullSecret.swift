// SPDX-License-Identifier: Apache-2.0

private import Foundation
import JSON
package import OCI
package import OCIRegistry

/// A registry's credentials in a namespace (`kubernetes.io/dockerconfigjson`).
///
/// Secrets are looked at only through this, and only if somebody asks for it.
package struct PullSecret: Hashable, Sendable {
    package let name: String
    /// The namespace; nil for the context's own.
    package let namespace: String?

    package init(_ name: String, in namespace: String?) {
        self.name = name
        self.namespace = namespace
    }

    private static let type = "kubernetes.io/dockerconfigjson"
    private static let key = ".dockerconfigjson"

    /// What the secret knows of a registry.
    /// - Parameters:
    ///   - kubectl: the cluster.
    ///   - host: the registry.
    /// - Returns: nil if there is no such secret.
    /// - Throws: `KubernetesError` if it is of another type, or knows nothing of the registry.
    package func credential(by kubectl: Kubectl, for host: RegistryHost) async throws -> Credential? {
        let subject = "read the secret \"\(name)\""
        let answer = try await kubectl.run(
            ["get", "secret", name, "--ignore-not-found", "-o", "json"] + place, to: subject)
        guard let secret = try ClusterObject.read(answer, subject).first?.json else { return nil }
        guard secret["type"]?.string == Self.type else {
            throw KubernetesError(
                .pullSecret,
                "the secret \"\(name)\" is of type \"\(secret["type"]?.string ?? "")\", not \(Self.type)",
                hint: "name another one, or a new name: it is made from your docker configuration then")
        }
        let text = secret["data"]?.object?[Self.key]?.string.flatMap { Data(base64Encoded: $0) } ?? Data()
        guard let auths = (try? JSONValue(parsing: text))?.object?["auths"]?.object else {
            throw KubernetesError(.pullSecret, "the secret \"\(name)\" has no \"auths\" in its \(Self.key)")
        }
        for key in Self.keys(of: host) {
            guard let entry = auths[key]?.object else { continue }
            if let credential = Self.credential(entry) { return credential }
        }
        throw KubernetesError(
            .pullSecret, "the secret \"\(name)\" has no credentials for \"\(host)\"",
            hint: "it has some for: \(auths.names.sorted().joined(separator: ", ").ifEmpty("nobody"))")
    }

    /// Makes the secret, or gives it these credentials if it is ours.
    /// - Parameters:
    ///   - credential: a user with a password; tokens that end soon are of no use to a cluster.
    ///   - host: the registry.
    ///   - kubectl: the cluster.
    /// - Throws: `KubernetesError`.
    package func create(_ credential: Credential, for host: RegistryHost, by kubectl: Kubectl) async throws {
        guard case .password(let username, let password) = credential else {
            throw KubernetesError(
                .pullSecret, "the credentials for \"\(host)\" are a token, which a pull secret cannot hold",
                hint:
                    "log in with a user name and an access token of the registry: wasme login \(host) -u NAME"
            )
        }
        let auth = Data("\(username):\(password)".utf8).base64EncodedString()
        var auths = JSONObject()
        auths[Self.keys(of: host)[0]] = .object([
            "username": .string(username), "password": .string(password), "auth": .string(auth),
        ])
        var content = JSONObject()
        content["auths"] = .object(auths)
        let data = Data(JSONValue.object(content).description.utf8).base64EncodedString()
        var metadata = JSONObject()
        metadata["name"] = .string(name)
        metadata["namespace"] = namespace.map { .string($0) }
        metadata["labels"] = .object([ClusterWriter.managedByLabel: .string(ClusterWriter.manager)])
        let secret: JSONValue = .object([
            "apiVersion": .string("v1"), "kind": .string("Secret"), "metadata": .object(metadata),
            "type": .string(Self.type), "data": .object([Self.key: .string(data)]),
        ])
        try await kubectl.run(
            ["apply", "--server-side", "--field-manager=\(ClusterWriter.manager)", "-f", "-", "-o", "name"]
                + place,
            input: Array(secret.description.utf8), to: "create the secret \"\(name)\"")
    }

    private var place: [String] { namespace.map { ["-n", $0] } ?? [] }

    /// The names that a registry has in docker's configuration, the usual one first.
    private static func keys(of host: RegistryHost) -> [String] {
        let name = "\(host)"
        if ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(name) {
            return [
                "https://index.docker.io/v1/", "index.docker.io", "docker.io", "https://index.docker.io/v2/",
            ]
        }
        return [
            name, "https://\(name)", "http://\(name)", "https://\(name)/", "https://\(name)/v1/",
            "https://\(name)/v2/",
        ]
    }

    private static func credential(_ entry: JSONObject) -> Credential? {
        if let username = entry["username"]?.string, let password = entry["password"]?.string,
            !username.isEmpty
        {
            return .password(username: username, password: password)
        }
        guard let data = entry["auth"]?.string.flatMap({ Data(base64Encoded: $0) }) else { return nil }
        let text = String(decoding: data, as: UTF8.self)
        guard let colon = text.firstIndex(of: ":") else { return nil }
        return .password(
            username: String(text[..<colon]), password: String(text[text.index(after: colon)...]))
    }
}

extension String {
    fileprivate func ifEmpty(_ other: String) -> String { isEmpty ? other : self }
}
