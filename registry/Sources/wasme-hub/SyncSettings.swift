// SPDX-License-Identifier: Apache-2.0

import CurlTransport
private import Diagnostics
private import Foundation
import Hub
import OCI
import SystemPackage

/// What is to be copied of another registry, as it is written: in the configuration, or on a command line.
struct SyncRequest: Hashable, Codable {
    var registry: String
    var repositories: [String]
    var tags: [String]
    var into: String
    var includesReferrers: Bool
    var prunes: Bool
    var username: String?
    var passwordFile: String?
    var passwordVariable: String?
    var authority: String?
    var certificate: String?
    var key: String?
    var tokenService: String?

    /// Refuses what cannot be meant, and says why.
    func validate() throws(HubConfiguration.Problem) {
        _ = try upstream()
        _ = try HubConfiguration.repositoryPatterns(repositories)
        if !into.isEmpty { _ = try HubConfiguration.repositoryName(into) }
        for tag in tags where !TagPattern.isValid(tag) {
            throw HubConfiguration.Problem(
                text: "\"\(tag)\" is no pattern of tags: write the characters of a tag, with * and ?")
        }
    }

    private func upstream() throws(HubConfiguration.Problem) -> UpstreamSettings {
        try UpstreamSettings(
            registry, username: username, secret: SecretPlace(file: passwordFile, variable: passwordVariable),
            authority: authority, certificate: certificate, key: key, tokenService: tokenService)
    }

    /// The rule, with its password, which is read now.
    func rule(_ transport: CurlTransport) throws -> SyncRule {
        do {
            return SyncRule(
                upstream: try upstream().upstream(transport, ProcessInfo.processInfo.environment),
                repositories: repositories, tags: tags, prefix: into, includesReferrers: includesReferrers,
                prunes: prunes)
        } catch let error as HubConfiguration.Problem {
            throw HubError(.configuration, error.text, category: .usage)
        }
    }
}

/// What is copied again and again.
struct SyncSettings: Hashable {
    let request: SyncRequest
    let interval: Duration
}

extension HubConfiguration {
    static let syncList = ListSetting(
        key: "sync",
        meaning: "Repositories of other registries that are copied at the start and then from time to time.",
        fields: [
            .init(
                name: "registry", meaning: "The registry, as in https://registry-1.docker.io.",
                isRequired: true),
            .init(
                name: "repositories", meaning: "Which repositories there: names, or acme/*.",
                isRequired: true, isList: true),
            .init(
                name: "tags", meaning: "Which tags, with * and ?.", standard: "\"*\"", isList: true),
            .init(
                name: "into", meaning: "What the names of the copies begin with here. (default: nothing)"),
            .init(name: "minutes", meaning: "Minutes between two copies.", standard: "60"),
            .init(
                name: "referrers", meaning: "Whether signatures and the like come with the images.",
                standard: "true"),
            .init(
                name: "prune", meaning: "Whether tags go here that are gone there.", standard: "false"),
        ] + UpstreamSettings.fields,
        add: { (hub, entry) throws(Problem) in
            let request = SyncRequest(
                registry: entry["registry"] ?? "", repositories: entry.all("repositories", default: []),
                tags: entry.all("tags", default: ["*"]), into: entry["into"] ?? "",
                includesReferrers: try truth(entry["referrers"] ?? "true"),
                prunes: try truth(entry["prune"] ?? "false"), username: entry["username"],
                passwordFile: entry["password-file"], passwordVariable: entry["password-variable"],
                authority: entry["ca"], certificate: entry["cert"], key: entry["key"],
                tokenService: entry["token-service"])
            try request.validate()
            hub.sync.append(
                SyncSettings(
                    request: request,
                    interval: .seconds(60 * (try number(entry["minutes"] ?? "60", 1...525_600)))))
        },
        clear: { $0.sync = [] })
}
