// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
import Hub
package import OCI
package import OCIRegistry

/// Another registry by the client of the command line.
package struct RegistryUpstream: Upstream {
    /// For questions that somebody waits for.
    private let quick: RegistryClient
    /// For content, which takes its time.
    private let patient: RegistryClient

    package var name: String { quick.host.description }

    /// - Parameters:
    ///   - host: the registry.
    ///   - transport: what carries the requests.
    ///   - options: scheme and trust.
    ///   - credentials: who the hub is there.
    package init(
        host: RegistryHost, transport: any HTTPTransport, options: RegistryOptions,
        credentials: any CredentialProvider
    ) {
        var options = options
        options.userAgent = "wasme-hub"
        options.refusesLinkLocal = true
        options.bindsTokenService = true
        options.connectTimeout = 5
        patient = RegistryClient(host: host, transport: transport, options: options, credentials: credentials)
        options.retry.attempts = 2
        options.retry.longestRetryAfter = .seconds(1)
        options.retry.longestDelay = .seconds(1)
        options.stallTimeout = 15
        quick = RegistryClient(host: host, transport: transport, options: options, credentials: credentials)
    }

    package func resolve(_ repository: Repository, _ target: Reference.Target) async throws -> Descriptor {
        try await asking { try await quick.resolve(repository, target) }
    }

    package func manifest(
        _ repository: Repository, _ target: Reference.Target
    ) async throws -> ManifestDocument {
        try await asking { try await quick.manifest(repository, target) }
    }

    package func describeBlob(_ repository: Repository, _ digest: Digest) async throws -> Descriptor? {
        try await asking { try await quick.describeBlob(repository, digest) }
    }

    package func blob(
        _ repository: Repository, _ descriptor: Descriptor, into sink: any ByteSink & Sendable,
        after beginning: (any ByteSource)?
    ) async throws {
        try await asking { try await patient.blob(repository, descriptor, into: sink, after: beginning) }
    }

    package func tags(_ repository: Repository, after: String, limit: Int) async throws -> [Tag]? {
        try await asking { try await quick.tags(repository, after: after, limit: limit) }
    }

    package func tags(_ repository: Repository) async throws -> [Tag] {
        try await asking { try await quick.tags(repository) }
    }

    package func referrers(
        _ repository: Repository, to subject: Digest, artifactType: MediaType?
    ) async throws -> [Descriptor] {
        try await asking { try await quick.referrers(repository, subject, artifactType: artifactType) }
    }

    package func catalog() async throws -> [Repository] {
        try await asking { try await quick.catalog() }
    }

    private func asking<Result>(_ work: () async throws -> Result) async throws -> Result {
        do {
            return try await work()
        } catch let error as RegistryError {
            throw HubError(error)
        }
    }
}

extension HubError {
    /// What another registry's refusal means for who asked the hub.
    ///
    /// A 401 of the other registry is none of the hub's: a client must not be asked for credentials that it has not.
    init(_ error: RegistryError) {
        let code: Code =
            switch error.code {
            case .unauthorized, .denied, .credentials: .upstreamDenied
            case .nameUnknown, .manifestUnknown, .blobUnknown, .notFound: .upstreamUnknown
            case .rateLimited: .upstreamLimited
            case .contentMismatch, .badAnswer, .refused: .upstreamInvalid
            default: .upstreamUnavailable
            }
        let hint: String? =
            code == .upstreamDenied ? "the hub's credentials for that registry do not suffice" : nil
        self.init(
            code, error.message,
            detail: code == .upstreamLimited ? error.retryAfter.map { "\($0.components.seconds)" } : nil,
            cause: error.cause, hint: hint, category: error.category)
    }
}
