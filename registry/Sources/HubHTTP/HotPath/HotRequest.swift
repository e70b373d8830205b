// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import NIOHTTP1
import OCI

/// A read that the hot path may answer: one of few routes, without a body, and with no header that asks for more than
/// a plain answer on a connection that stays open.
///
/// Whatever is not exactly that is no `HotRequest`, and is left to those who know all of HTTP.
struct HotRequest {
    let target: HotTarget
    let conditions: ReadConditions
    /// The value of `Authorization`.
    let authorization: String?
    /// What the client calls the request.
    let requestID: String?

    /// Nil for what the hot path does not take; `target` reads the request's target.
    init?(_ head: HTTPRequestHead, target: (String) -> HotTarget?) {
        guard head.version == .http1_1, head.method == .GET || head.method == .HEAD else { return nil }
        var conditions = ReadConditions()
        conditions.isHead = head.method == .HEAD
        var authorization: String?
        var requestID: String?
        for (name, value) in head.headers {
            switch HotHeader(name) {
            case .harmless: continue
            case .decisive: return nil
            case .connection: guard value.isToken("keep-alive") else { return nil }
            case .authorization:
                // What comes twice is for others to judge; here and below.
                guard authorization == nil else { return nil }
                authorization = value
            case .requestID:
                guard requestID == nil else { return nil }
                requestID = value
            case .ifNoneMatch:
                guard conditions.ifNoneMatch == nil else { return nil }
                conditions.ifNoneMatch = value
            case .ifRange:
                guard conditions.ifRange == nil else { return nil }
                conditions.ifRange = value
            case .range:
                guard conditions.range == nil else { return nil }
                conditions.range = value
            }
        }
        guard let target = target(head.uri) else { return nil }
        self.target = target
        self.conditions = conditions
        self.authorization = authorization
        self.requestID = requestID
    }
}

/// What is asked for.
enum HotTarget {
    case base
    case manifest(Repository, Reference.Target)
    case blob(Repository, Digest)
    case tags(Repository, limit: Int?, after: String)
    case module(Repository, Reference.Target)

    /// What metrics and logs call it.
    var route: (RouteClass, Repository?) {
        switch self {
        case .base: (.base, nil)
        case .manifest(let repository, _): (.manifest, repository)
        case .blob(let repository, _): (.blob, repository)
        case .tags(let repository, _, _): (.tags, repository)
        case .module(let repository, _): (.module, repository)
        }
    }

    /// Longest request target that is looked at.
    static let longest = 1024

    /// Reads a request target by the rules that all of the registry's are read by.
    init?(_ text: String) {
        guard text.utf8.count <= Self.longest, text.hasPrefix("/v2/") || text.hasPrefix("/modules/"),
            let target = try? RequestTarget(text)
        else { return nil }
        if target.segments.first == "modules" {
            guard let name = try? FilterAPI.Name(module: target.segments) else { return nil }
            self = .module(name.repository, name.target)
            return
        }
        // With `ns` another registry's repository may be meant.
        guard target.values("ns").isEmpty,
            let route = try? RegistryRoute(Array(target.segments.dropFirst()))
        else { return nil }
        switch route {
        case .base: self = .base
        case .manifest(let repository, let name):
            guard let name = try? RegistryRoute.existing(name, in: repository) else { return nil }
            self = .manifest(repository, name)
        case .blob(let repository, let digest): self = .blob(repository, digest)
        case .tags(let repository):
            guard let (limit, after) = try? target.page() else { return nil }
            self = .tags(repository, limit: limit, after: after)
        default: return nil
        }
    }
}

/// What a header means to the hot path.
private enum HotHeader {
    case authorization, connection, ifNoneMatch, ifRange, range, requestID
    /// Says that there is a body, or changes how the connection is used.
    case decisive
    /// Everything else: `Host`, `Accept`, `User-Agent` and the like, none of which changes an answer.
    case harmless

    init(_ name: String) {
        // By length first: most headers are none of these.
        switch name.utf8.count {
        case 5: self = name.isToken("range") ? .range : .harmless
        case 6: self = name.isToken("expect") ? .decisive : .harmless
        case 7: self = name.isToken("upgrade") ? .decisive : .harmless
        case 8: self = name.isToken("if-range") ? .ifRange : .harmless
        case 10: self = name.isToken("connection") ? .connection : .harmless
        case 12: self = name.isToken("x-request-id") ? .requestID : .harmless
        case 13:
            self =
                name.isToken("authorization")
                ? .authorization : name.isToken("if-none-match") ? .ifNoneMatch : .harmless
        case 14: self = name.isToken("content-length") ? .decisive : .harmless
        case 17: self = name.isToken("transfer-encoding") ? .decisive : .harmless
        default: self = .harmless
        }
    }
}

extension String {
    /// Whether it is a word, in whatever case; the word is given in lower case.
    fileprivate func isToken(_ word: StaticString) -> Bool {
        guard utf8.count == word.utf8CodeUnitCount else { return false }
        var index = 0
        for byte in utf8 {
            // Letters differ in this bit between the cases; the few characters beside letters have it set.
            guard byte | 0x20 == word.utf8Start[index] else { return false }
            index += 1
        }
        return true
    }
}
