// SPDX-License-Identifier: Apache-2.0

import CurlTransport
private import Diagnostics
private import Foundation
import Hub
import HubOutbound
import Logging
import OCI
import OCIRegistry
import SystemPackage

/// Another registry as it is configured.
struct UpstreamSettings: Hashable {
    let host: RegistryHost
    let isPlain: Bool
    let username: String?
    let secret: SecretPlace?
    let authority: FilePath?
    /// What the hub shows of itself, and its key.
    let certificate: FilePath?
    let key: FilePath?
    /// Host and port of a token service that gets the password besides those in the registry's domain.
    let tokenService: String?

    static let fields: [ListSetting.Field] = [
        .init(name: "username", meaning: "Who the hub is there. (default: nobody)"),
        .init(name: "password-file", meaning: "The file with the password or token."),
        .init(name: "password-variable", meaning: "Or the variable of the environment that holds it."),
        .init(name: "ca", meaning: "A file with the authority of the registry's certificate."),
        .init(name: "cert", meaning: "A file with the certificate that the hub shows there."),
        .init(name: "key", meaning: "A file with its key. (default: the certificate's file)"),
        .init(
            name: "token-service",
            meaning: "The host that gives tokens, if it is in another domain than the registry."),
    ]

    /// Reads what an entry of a list says.
    init(_ text: String, _ entry: ListSetting.Entry) throws(HubConfiguration.Problem) {
        try self.init(
            text, username: entry["username"],
            secret: SecretPlace(file: entry["password-file"], variable: entry["password-variable"]),
            authority: entry["ca"], certificate: entry["cert"], key: entry["key"],
            tokenService: entry["token-service"])
    }

    /// Reads the registry's address, with a scheme or without, and how to get in.
    init(
        _ text: String, username: String?, secret: SecretPlace?, authority: String?, certificate: String?,
        key: String?, tokenService: String?
    ) throws(HubConfiguration.Problem) {
        var rest = text[...]
        isPlain = text.hasPrefix("http://")
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        do {
            host = try RegistryHost(rest)
        } catch {
            throw HubConfiguration.Problem(
                text: "\"\(text)\" is no registry: write a host, as in https://registry.example.com")
        }
        self.username = username
        self.secret = secret
        guard (username == nil) == (secret == nil) else {
            throw HubConfiguration.Problem(text: "a username and a password go together")
        }
        self.authority = authority.map { DataOption.path($0) }
        guard certificate != nil || key == nil else {
            throw HubConfiguration.Problem(text: "a key goes with a certificate: name it with cert")
        }
        self.certificate = certificate.map { DataOption.path($0) }
        self.key = key.map { DataOption.path($0) }
        self.tokenService = tokenService.map { WebLocation($0)?.authority ?? $0.lowercased() }
        if let name = self.tokenService, (try? RegistryHost(name)) == nil {
            throw HubConfiguration.Problem(text: "\"\(name)\" is no host of a token service")
        }
        try HubConfiguration.checkReachable(host.description)
    }

    /// The registry; its password is read now.
    func upstream(_ transport: CurlTransport, _ environment: [String: String]) throws -> RegistryUpstream {
        var options = RegistryOptions(plainHTTP: isPlain)
        options.trust = try Outbound.trust(
            host, authority, environment, certificate: certificate, key: key)
        options.tokenService = tokenService
        options.proxies = ProxySettings(environment: environment)
        let password = try secret?.read(environment)
        let credentials: any CredentialProvider =
            if let username, let password {
                FixedCredentials(.password(username: username, password: password), for: host)
            } else { AnonymousCredentials() }
        return RegistryUpstream(
            host: host, transport: transport, options: options, credentials: credentials)
    }
}

/// A mirror as it is configured.
struct MirrorSettings: Hashable {
    let prefix: String
    let upstream: UpstreamSettings
    let upstreamPrefix: String
    let namespace: String
    let maxAge: Int64
    let lifetime: Int64?
    let isPublic: Bool

    /// Which repositories everybody may pull who may pull what is public.
    var publicPatterns: [String] {
        guard isPublic else { return [] }
        return prefix.isEmpty ? ["*"] : [prefix, "\(prefix)/*"]
    }
}

extension HubConfiguration {
    static let mirrorList = ListSetting(
        key: "mirrors",
        meaning: "Repositories of other registries, fetched when somebody asks for them.",
        fields: [
            .init(
                name: "prefix",
                meaning:
                    "What their names begin with here, before a slash; \"*\" makes all repositories mirrored.",
                isRequired: true),
            .init(
                name: "registry", meaning: "The registry, as in https://registry-1.docker.io.",
                isRequired: true),
            .init(name: "repositories", meaning: "What their names begin with there. (default: nothing)"),
            .init(
                name: "namespace",
                meaning: "What clients call the registry that ask with ?ns=. (default: its host)"),
        ] + UpstreamSettings.fields + [
            .init(
                name: "max-age", meaning: "Seconds that a tag is believed without asking again.",
                standard: "300"),
            .init(
                name: "keep-days",
                meaning: "Days after which goes what nobody pulled; 0 keeps it for ever.", standard: "30"),
            .init(
                name: "public", meaning: "Whether they are public; otherwise roles say who may pull.",
                standard: "false"),
        ],
        add: { (hub, entry) throws(Problem) in
            let upstream = try UpstreamSettings(entry["registry"] ?? "", entry)
            let prefix = entry["prefix"] == "*" ? "" : try repositoryName(entry["prefix"] ?? "")
            guard !hub.mirrors.contains(where: { $0.prefix == prefix }) else {
                throw Problem(text: "the prefix \"\(entry["prefix"] ?? "")\" is there twice")
            }
            let days = Int64(try number(entry["keep-days"] ?? "30", 0...36500))
            hub.mirrors.append(
                MirrorSettings(
                    prefix: prefix, upstream: upstream,
                    upstreamPrefix: try entry["repositories"].map(repositoryName) ?? "",
                    namespace: entry["namespace"] ?? upstream.host.description,
                    maxAge: Int64(try number(entry["max-age"] ?? "300", 0...31_536_000)),
                    lifetime: days == 0 ? nil : days * 86400,
                    isPublic: try truth(entry["public"] ?? "false")))
        },
        clear: { $0.mirrors = [] })

    static func repositoryName(_ text: String) throws(Problem) -> String {
        do {
            return try Repository(text).path
        } catch {
            throw Problem(text: "\(error)")
        }
    }

    /// The mirrors, with their passwords, which are read now.
    func mirrors(_ transport: CurlTransport, logger: Logger) throws -> Mirrors {
        let environment = ProcessInfo.processInfo.environment
        return Mirrors(
            try mirrors.map { mirror in
                do {
                    return RegistryMirror(
                        prefix: mirror.prefix,
                        upstream: try mirror.upstream.upstream(transport, environment),
                        upstreamPrefix: mirror.upstreamPrefix, namespace: mirror.namespace,
                        maxAge: mirror.maxAge, lifetime: mirror.lifetime, isPublic: mirror.isPublic)
                } catch {
                    throw HubError(
                        .configuration, "the mirror of \"\(mirror.upstream.host)\" cannot be used",
                        cause: error, hint: "see 'mirrors' in the configuration", category: .usage)
                }
            }, logger: logger)
    }
}
