// SPDX-License-Identifier: Apache-2.0

import Hub

extension RequestTarget {
    /// The role that a form gives; nil to take it.
    func role() throws(HubError) -> Role? {
        let word = values("role").first ?? ""
        if word == "none" { return nil }
        guard let role = Role.allCases.first(where: { "\($0)" == word }) else {
            throw HubError(.unsupportedRequest, "the role is none of read, write and admin")
        }
        return role
    }
}

/// Who has which role, as the rows of a table.
enum MemberRows {
    static func values(_ roles: [AccountName: Role]) -> [[String: Any]] {
        roles.sorted { $0.key < $1.key }.map { member in
            [
                "member": member.key.description,
                "roles": Role.allCases.map { role in
                    ["role": "\(role)", "isChosen": role == member.value] as [String: Any]
                },
            ]
        }
    }
}

/// How much of a quota is used.
struct QuotaBar {
    let used: Int64
    let quota: Int64

    /// For `<meter>`, which draws itself without a style of its own.
    var values: [String: Any] {
        let share = quota > 0 ? min(1, Double(used) / Double(quota)) : 1
        return [
            "percent": Int(share * 100), "text": "\(byteCount(used)) of \(byteCount(quota))",
        ]
    }
}
