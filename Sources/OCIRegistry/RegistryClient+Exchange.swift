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
        let home = try await location("/").origin
        var call = call
        var isAuthorized = call.location.origin == home
        var authorization = isAuthorized ? await authenticator.authorization(for: call.scope) : nil
        var redirects = 0
        var challenges = 0
        while true {
            let answer = try await call.send(
                over: transport, options, authorization: isAuthorized ? authorization : nil, host: host)
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
        let root = Call(.get, try await location("/v2/"), action: call.action)
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
