// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird

/// The page that asks once more before an account goes: its name has to be written for that.
struct RemovalPage {
    let renderer: PageRenderer
    let name: AccountName
    /// What goes with it, and what stays.
    let consequence: String
    /// Where the page is, and where it leads to and from.
    let path: String
    let back: String

    /// Shows the question, or does what was answered.
    func respond(_ form: RequestTarget?, _ visit: Visit) async throws -> Response {
        var problem: HubError?
        if let form {
            do {
                guard form.values("confirmation") == [name.description] else {
                    throw HubError(.accountInvalid, "the name was not written as it is: \"\(name)\"")
                }
                try await visit.directory.store.removeAccount(name)
                return seeOther(back)
            } catch let error as HubError where error.isForWhoeverAsks && error.code != .denied {
                problem = error
            }
        }
        var values: [String: Any] = [
            "name": name.description, "consequence": consequence, "path": path, "back": back,
        ]
        values["problem"] = problem.map { sentence($0.text) }
        return renderer.page(
            "remove", title: "Remove \(name)", values, visit, using: ["people.css"], hasForm: true,
            status: problem?.code.status ?? .ok)
    }
}
