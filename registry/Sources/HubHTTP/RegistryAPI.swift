// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import Logging
import OCI

/// The endpoints of distribution-spec 1.1 over the registry.
struct RegistryAPI: Sendable {
    private(set) var registry: Registry

    /// The endpoints as somebody may use them.
    func acting(for principal: Principal) -> RegistryAPI {
        var api = self
        api.registry = registry.acting(for: principal)
        return api
    }

    /// Answers a request below `/v2`.
    func respond(to request: Request, _ target: RequestTarget) async throws -> Response {
        var route = try RegistryRoute(Array(target.segments.dropFirst()))
        // Of a proxy, a client asks for what another registry has (distribution-spec, development version, "Registry
        // Proxying"); a name that is no mirror's is no concern of ours.
        let namespace = try target.value("ns", orThrow: .nameInvalid)
        let proxied = namespace.flatMap { namespace in
            route.renamed { registry.mirrors.repository($0, in: namespace) }
        }
        if let proxied, [.get, .head].contains(request.method) { route = proxied }
        guard let need = route.need(request.method) else {
            throw MethodNotAllowed(method: request.method, allowed: route.methods)
        }
        // Whoever may not change something need not send what it would become. Reads are decided where they read.
        switch need {
        case .entry: try registry.authorizeEntry()
        case .repository(let repository, let action) where action != .pull:
            do {
                try await registry.authorize(action, in: repository)
            } catch let error as HubError {
                throw mountSource(target, route).map { error.ofMount(from: $0, to: repository) } ?? error
            }
        case .catalog, .repository: break
        }
        let call = Call(request: request, target: target)
        var response: Response
        switch (request.method, route) {
        case (.get, .base), (.head, .base): response = Self.base(call)
        case (.get, .catalog), (.head, .catalog): response = try await catalog(call)
        case (.get, .tags(let repository)), (.head, .tags(let repository)):
            response = try await tags(call, repository)
        case (.get, .manifest(let repository, let name)), (.head, .manifest(let repository, let name)):
            response = try await manifest(call, repository, name)
        case (.put, .manifest(let repository, let name)):
            response = try await pushManifest(call, repository, name)
        case (.delete, .manifest(let repository, let name)):
            response = try await deleteManifest(repository, name)
        case (.get, .referrers(let repository, let digest)), (.head, .referrers(let repository, let digest)):
            response = try await referrers(call, repository, digest)
        case (.get, .blob(let repository, let digest)), (.head, .blob(let repository, let digest)):
            response = try await blob(call, repository, digest)
        case (.delete, .blob(let repository, let digest)):
            try await registry.deleteBlob(digest, in: repository)
            response = Response(status: .accepted)
        case (.post, .uploads(let repository)): response = try await startUpload(call, repository)
        case (.patch, .upload(let repository, let id)): response = try await append(call, repository, id)
        case (.put, .upload(let repository, let id)): response = try await finishUpload(call, repository, id)
        case (.get, .upload(let repository, let id)), (.head, .upload(let repository, let id)):
            response = try await uploadStatus(repository, id)
        case (.delete, .upload(let repository, let id)):
            try await registry.cancelUpload(try Self.uploadID(id), in: repository)
            response = Response(status: .noContent)
        default:
            throw MethodNotAllowed(method: request.method, allowed: route.methods)
        }
        response.headers[.dockerAPIVersion] = "registry/2.0"
        if proxied != nil { response.headers[.ociNamespace] = namespace }
        return response
    }

    /// The body of the answer that says that this is a registry (distribution-spec 1.1, "Determining Support").
    static let baseBody = ByteBuffer(string: "{}")

    private static func base(_ call: Call) -> Response {
        ContentAnswer(json: baseBody.readableBytes, ReadConditions(call.request)).response(
            ResponseBody(byteBuffer: baseBody))
    }

    /// A request as the handlers below take it.
    struct Call: Sendable {
        let request: Request
        let target: RequestTarget
        var isHead: Bool { request.method == .head }
        var body: RequestBytes { RequestBytes(request) }
    }

    private func catalog(_ call: Call) async throws -> Response {
        let (limit, last) = try call.target.page()
        let page = try await registry.repositories(after: last, limit: limit)
        var response = try jsonResponse(["repositories": page.entries])
        response.headers[.link] = nextLink("/v2/_catalog", page, limit, registry.limits)
        return response
    }

    private func tags(_ call: Call, _ repository: Repository) async throws -> Response {
        let (limit, last) = try call.target.page()
        let page = try await registry.tags(in: repository, after: last, limit: limit)
        let body = TagList.json(repository, page.entries)
        let link = TagList.next(repository, page, limit, registry.limits)
        let answer = ContentAnswer(json: body.readableBytes, link: link, ReadConditions(call.request))
        var response = answer.response(ResponseBody(byteBuffer: body))
        response.headers.warn(page.warning)
        return response
    }

    private func referrers(_ call: Call, _ repository: Repository, _ digest: Digest) async throws -> Response
    {
        let type = call.target.values("artifactType").first.map(MediaType.init(rawValue:))
        let after = try call.target.value("after", orThrow: .pageInvalid).map { text in
            guard let cursor = decimal(text) else {
                throw HubError(.pageInvalid, "the parameter \"after\" is not one that this hub gave")
            }
            return cursor
        }
        let page = try await registry.referrers(
            to: digest, artifactType: type, after: after ?? 0, in: repository)
        var response = try jsonResponse(Index(manifests: page.referrers), type: .imageIndex)
        if let next = page.next {
            let filter = type.map { "&artifactType=\(percentEncoded($0.rawValue))" } ?? ""
            response.headers[.link] =
                "</v2/\(repository)/referrers/\(digest)?after=\(next)\(filter)>; rel=\"next\""
        }
        response.headers.warn(page.warning)
        if type != nil { response.headers[.ociFiltersApplied] = "artifactType" }
        return response
    }

    static func uploadID(_ text: String) throws -> UploadID {
        guard let id = UploadID(text) else {
            throw HubError(.uploadUnknown, "no upload has that name")
        }
        return id
    }
}

extension HTTPFields {
    /// Tells a client something about an answer (distribution-spec 1.1, "Warnings").
    mutating func warn(_ text: String?) {
        guard let text else { return }
        let quoted = text.filter { $0.isASCII && $0 != "\"" && $0 != "\\" && !$0.isNewline }.prefix(1000)
        self[.warning] = "299 - \"\(quoted)\""
    }
}
