// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import OCI

extension RegistryClient {
    /// Redirects followed for one request.
    private static let redirectLimit = 10

    /// Sends a request until it succeeds, is refused for good, or has failed too often.
    func perform(_ call: Call) async throws -> Answer {
        try await retrying {
            let answer = try await exchange(call)
            guard answer.response.status.kind == .successful else {
                throw RegistryError(call.action, host, answer)
            }
            // A portal or a web server in the registry's place answers 200 to everything.
            if answer.isWebPage { throw RegistryError.webPage(call.action, host) }
            return answer
        }
    }

    /// Tries anew after passing trouble, within the bounds of the policy.
    func retrying<Value>(_ attempt: () async throws -> Value) async throws -> Value {
        var number = 1
        let start = options.clock.now()
        while true {
            try Task.checkCancellation()
            do {
                return try await attempt()
            } catch let error as RegistryError {
                guard
                    let delay = options.retry.delay(
                        after: error, attempt: number, elapsed: options.clock.now() - start,
                        jitter: options.clock.jitter())
                else { throw error }
                try await options.clock.sleep(delay)
                number += 1
            }
        }
    }

    /// One request with its redirects, and with one answer to a challenge; a refusal is an answer here.
    ///
    /// Credentials go to the registry's own origin only: a redirect or an upload location elsewhere gets none.
    func exchange(_ call: Call) async throws -> Answer {
        var call = call
        var authorization = await authenticator.authorization(for: call.scope)
        var settled = try await settleScheme(of: &call, isPlain: authorization == nil)
        let home = location("/").origin
        var isAuthorized = call.location.origin == home
        var redirects = 0
        var challenges = 0
        while true {
            let answer: Answer
            if let first = settled {
                answer = first
                settled = nil
            } else {
                answer = try await call.send(
                    over: transport, options, authorization: isAuthorized ? authorization : nil, host: host)
            }
            switch answer.status {
            case 401 where isAuthorized && challenges == 0, 403 where isAuthorized && challenges == 0:
                challenges += 1
                guard let asked = try await self.challenges(of: answer, to: call),
                    let better = try await authenticator.answer(
                        asked, for: call.scope, rejected: authorization, from: home)
                else { return answer }
                authorization = better
            case 301, 302, 303, 307, 308:
                guard call.method == .get || call.method == .head,
                    let target = answer.response.headerFields[.location]
                else { return answer }
                redirects += 1
                call.location = try follow(target, of: call, redirects)
                isAuthorized = call.location.origin == home
            default: return answer
            }
        }
    }

    /// What the registry asks of whoever comes without credentials (RFC 9110 §11.6.1): each `WWW-Authenticate` as it is sent.
    /// - Returns: none if it lets everybody in.
    /// - Throws: `RegistryError` if it does not answer.
    package func challenges() async throws -> [String] {
        var call = Call(.get, location("/v2/"), action: "ask the registry \"\(host)\" how to log in")
        var answer = try await settleScheme(of: &call, isPlain: true)
        if answer == nil {
            answer = try await call.send(over: transport, options, authorization: nil, host: host)
        }
        return answer?.status == 401 ? answer?.response.headerFields[values: .wwwAuthenticate] ?? [] : []
    }

    /// Finds out by which scheme the registry speaks, if that is left open: a loopback host is asked by plain HTTP, and
    /// by https if what answers there does not speak it.
    ///
    /// A request that can be repeated and holds nothing secret (`isPlain`) is the question itself.
    /// - Returns: its answer, if it was.
    private func settleScheme(of call: inout Call, isPlain: Bool) async throws -> Answer? {
        guard endpoint.isOpen, call.location.authority == endpoint.authority else { return nil }
        if let scheme = endpoint.scheme {
            call.location.scheme = scheme
            return nil
        }
        if isPlain, call.body == nil, call.receive == nil {
            do {
                let answer = try await call.send(over: transport, options, authorization: nil, host: host)
                // TLS servers that are kind to plain text answer 400.
                if answer.status != 400 {
                    endpoint.scheme = .http
                    return answer
                }
            } catch let error as RegistryError where error.code == .unreachable {
                throw error
            } catch is RegistryError {}
        }
        // Two tasks may find out at once: both come to the same end.
        let scheme: WebLocation.Scheme =
            try await speaks(.http) ? .http : try await speaks(.https) ? .https : .http
        endpoint.scheme = scheme
        call.location.scheme = scheme
        return nil
    }

    /// Whether what answers at the host speaks HTTP over a scheme; an unreachable host is left to the real request.
    private func speaks(_ scheme: WebLocation.Scheme) async throws -> Bool {
        let probe = WebLocation(scheme: scheme, authority: endpoint.authority, target: "/v2/")
        let call = Call(.get, probe, action: "reach the registry \"\(host)\"")
        do {
            let answer = try await call.send(over: transport, options, authorization: nil, host: host)
            return scheme == .https || answer.status != 400
        } catch let error as RegistryError {
            // A certificate that is not trusted is one: the real request says what is wrong with it.
            return error.code == (scheme == .http ? .unreachable : .untrusted)
        }
    }

    /// What a refusal asks for; nil if it is final.
    ///
    /// A 403 is, unless it says that another token would do (RFC 6750 §3.1). Some proxies answer 401 without saying
    /// what they want, to HEAD above all: then the API's root is asked, which has to say so (distribution-spec 1.1,
    /// "Determining Support").
    private func challenges(of answer: Answer, to call: Call) async throws -> [Challenge]? {
        let asked = answer.challenges
        guard answer.status == 401 else {
            return asked.contains { $0.parameters["error"] == "insufficient_scope" } ? asked : nil
        }
        guard !asked.contains(where: \.isKnown) else { return asked }
        let root = Call(.get, location("/v2/"), action: call.action)
        let second = try await root.send(over: transport, options, authorization: nil, host: host)
        return second.status == 401 ? second.challenges : asked
    }

    private func follow(_ target: String, of call: Call, _ count: Int) throws -> WebLocation {
        guard count <= Self.redirectLimit else {
            throw RegistryError.badAnswer(call.action, "more than \(Self.redirectLimit) redirects")
        }
        guard let next = call.location.resolving(target) else {
            throw RegistryError.badAnswer(
                call.action, "the registry redirects to something that is no http URL")
        }
        guard next.scheme == .https || call.location.scheme == .http || options.insecure else {
            throw RegistryError.badAnswer(
                call.action, "the registry redirects from https to plain http, to \"\(next.authority)\"")
        }
        return next
    }
}
