// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
import Hub
import Hummingbird

/// The page that adds the first administrator; not there for anybody without the link.
struct SetupPage: Sendable {
    let renderer: PageRenderer
    let link: SetupLink
    let gatekeeper: Gatekeeper

    func respond(_ request: Request, _ target: RequestTarget, _ visit: Visit) async throws -> Response {
        var values: [String: Any] = ["isDone": false]
        func page(status: HTTPResponse.Status = .ok) -> Response {
            renderer.page("setup", title: "Set up", values, visit, status: status)
        }
        guard request.method == .post else {
            guard let token = target.values("token").first, link.opens(with: token) else {
                return renderer.missing(visit)
            }
            values["token"] = token
            return page()
        }
        let form = try await RequestTarget(form: request)
        guard let token = form.values("token").first, link.opens(with: token) else {
            return renderer.missing(visit)
        }
        values["token"] = token
        values["name"] = form.values("name").first ?? ""
        do {
            let name = try AccountName(form.values("name").first ?? "")
            let directory = visit.directory
            try await link.use {
                guard try await gatekeeper.hasNoUser() else { throw HubError.badCredentials }
                try await directory.addUser(
                    name, password: form.values("password").first ?? "", isAdmin: true)
            }
            values["isDone"] = true
            return page()
        } catch let error as HubError where error.code.status == .badRequest {
            values["problem"] = error.message
            return page(status: .badRequest)
        }
    }
}

extension RequestTarget {
    /// The fields of a form in a request's body (application/x-www-form-urlencoded), as those of a query.
    init(form request: Request, limit: Int = 16 << 10) async throws {
        let body = try await RequestBytes(request).collect(upTo: limit)
        let text = String(decoding: body, as: UTF8.self).replacingOccurrences(of: "+", with: "%20")
        try self.init("/?" + text)
    }
}
