// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

/// What the hub knows of filters: their modules for hosts without an OCI client, and what the modules are made of.
struct FilterAPI: Sendable {
    private(set) var registry: Registry

    /// The endpoints as somebody may use them.
    func acting(for principal: Principal) -> FilterAPI {
        var api = self
        api.registry = registry.acting(for: principal)
        return api
    }

    /// An image in a path: whatever stands before the last slash is the repository, `acme/x.wasm` too.
    struct Name {
        let repository: Repository
        let target: Reference.Target

        /// Whether it names one image for good.
        var isPinned: Bool { if case .digest = target { true } else { false } }

        /// The image whose module a path is about.
        init(module segments: [String]) throws {
            try self.init(segments.dropFirst(), suffix: ".wasm")
        }

        init(_ segments: some Collection<String>, suffix: String = "") throws {
            guard segments.count > 1, let last = segments.suffix(1).first, last.hasSuffix(suffix) else {
                throw HubError(
                    .noSuchPath, "the hub has no such path",
                    hint: suffix.isEmpty
                        ? "name a repository and a tag or digest"
                        : "name a repository and a tag or digest, and end with \(suffix)")
            }
            repository = try RegistryRoute.repository(
                segments.dropLast().joined(separator: "/"))
            target = try RegistryRoute.target(String(last.dropLast(suffix.count)))
        }
    }

    // MARK: - Modules

    /// Answers `GET /modules/<repository>/<tag or digest>.wasm` with the module of that image.
    func module(_ request: Request, _ target: RequestTarget) async throws -> Response {
        try Self.allowReading(request)
        let name = try Name(module: target.segments)
        let (module, reader) = try await registry.module(of: name.target, in: name.repository)
        let answer = ContentAnswer(module: module, isPinned: name.isPinned, ReadConditions(request))
        guard let range = answer.range else { return answer.response() }
        if answer.isPull { registry.pullCounts.shared.note(name.repository) }
        return answer.response(try await RegistryAPI.body(reader, range))
    }

    // MARK: - Facts

    /// Answers `GET /api/v1/facts/<repository>/<tag or digest>` with what is known of that image.
    func facts(_ request: Request, _ target: RequestTarget) async throws -> Response {
        try Self.allowReading(request)
        let name = try Name(target.segments.dropFirst(3))
        let (digest, facts) = try await registry.facts(of: name.target, in: name.repository)
        let rest = try canonicalJSON(FactsBody(name.repository, digest, facts))
        // The document is JSON already, as it was kept.
        let body =
            Array(#"{"digest":"\#(digest)","facts":"#.utf8) + facts.document + Array(",".utf8)
            + rest.dropFirst()
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/json", .cacheControl: "private, no-cache",
                .contentSecurityPolicy: "default-src 'none'; sandbox",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    // MARK: - Pulls

    /// Days that are told, unless the request says how many, and at most.
    private static let usualDays = 30
    private static let mostDays = 366

    /// Answers `GET /api/v1/pulls/<repository>` with how often it was pulled on each of the last days.
    func pulls(_ request: Request, _ target: RequestTarget) async throws -> Response {
        try Self.allowReading(request)
        let name = target.segments.dropFirst(3).joined(separator: "/")
        let repository = try RegistryRoute.repository(name)
        var days = Self.usualDays
        if let text = try target.value("days", orThrow: .pageInvalid) {
            guard let number = decimal(text), (1...Int64(Self.mostDays)).contains(number) else {
                throw HubError(.pageInvalid, "days is a number from 1 to \(Self.mostDays)")
            }
            days = Int(number)
        }
        // Refuses whoever may not pull.
        let pulls = try await registry.pulls(of: repository, days: days)
        guard try await registry.listing(of: repository) != nil else {
            throw HubError(.nameUnknown, "the hub has no repository \"\(repository)\" with a tag")
        }
        return try jsonResponse(PullsBody(pulls))
    }

    private static func allowReading(_ request: Request) throws {
        guard request.method == .get || request.method == .head else {
            throw MethodNotAllowed(method: request.method, allowed: [.get, .head])
        }
    }
}

/// The pulls of a repository; its keys are what others rely on.
private struct PullsBody: Encodable {
    struct Day: Encodable {
        /// In UTC, as in "2026-08-01".
        let day: String
        let count: Int64
    }

    /// The oldest first; the last one is today.
    let days: [Day]
    let total: Int64

    init(_ pulls: [DailyPulls]) {
        days = pulls.map { Day(day: Visit.date($0.day), count: $0.count) }
        total = pulls.reduce(0) { $0 + $1.count }
    }
}

/// What stands beside the facts; its keys are what others rely on.
private struct FactsBody: Encodable {
    struct Module: Encodable {
        let digest: Digest
        let size: Int64
        /// Where it is served; nil if it is not.
        let path: String?
    }

    /// "filter" or "unreadable".
    let kind: String
    let module: Module?
    /// Why it cannot be read.
    let reason: String?
    let repository: String

    init(_ repository: Repository, _ digest: Digest, _ facts: ManifestFacts) {
        kind = facts.kind.rawValue
        module = facts.module.map { module in
            Module(
                digest: module.digest, size: module.size,
                path: module.blob == nil ? nil : "/modules/\(repository)/\(digest).wasm")
        }
        reason = facts.reason
        self.repository = repository.path
    }
}
