// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
import Hub
import Hummingbird
private import Synchronization

/// The way in for the first administrator: whoever can read what the hub prints may use it, once.
package final class SetupLink: Sendable {
    package let token = TokenSecret(.access).text
    private let isUsed = Mutex(false)

    package init() {}

    func opens(with text: String) -> Bool {
        // What is compared are hashes, whose first difference tells nothing about the token.
        !isUsed.withLock { $0 } && TokenSecret(text)?.hash == TokenSecret(token)?.hash
    }

    /// Does something that may be done once, unless it fails.
    func use(_ work: () async throws -> Void) async throws {
        let isFirst = isUsed.withLock { isUsed in
            defer { isUsed = true }
            return !isUsed
        }
        guard isFirst else { throw HubError.badCredentials }
        do {
            try await work()
        } catch {
            isUsed.withLock { $0 = false }
            throw error
        }
    }
}

extension Pages {
    /// The page that adds the first administrator; not there for anybody without the link.
    func setUp(
        _ link: SetupLink, _ gatekeeper: Gatekeeper, _ request: Request, _ target: RequestTarget,
        from address: String?
    ) async throws -> Response {
        let host = request.head.authority ?? "localhost"
        var values: [String: Any] = ["title": "Set up", "host": host, "isDone": false]
        guard request.method == .post else {
            guard let token = target.values("token").first, link.opens(with: token) else {
                return missing(host)
            }
            values["token"] = token
            return render("setup", values)
        }
        let body = try await RequestBytes(request).collect(upTo: 16 << 10)
        let text = String(decoding: body, as: UTF8.self).replacingOccurrences(of: "+", with: "%20")
        let form = try RequestTarget("/?" + text)
        guard let token = form.values("token").first, link.opens(with: token) else { return missing(host) }
        values["token"] = token
        values["name"] = form.values("name").first ?? ""
        do {
            let name = try AccountName(form.values("name").first ?? "")
            let directory = gatekeeper.directory(for: Principal(.host, address: address))
            try await link.use {
                guard try await gatekeeper.hasNoUser() else { throw HubError.badCredentials }
                try await directory.addUser(
                    name, password: form.values("password").first ?? "", isAdmin: true)
            }
            values["isDone"] = true
            return render("setup", values)
        } catch let error as HubError where error.code.status == .badRequest {
            values["problem"] = error.message
            return render("setup", values, status: .badRequest)
        }
    }
}
