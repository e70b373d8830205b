// SPDX-License-Identifier: Apache-2.0

import Hub

/// The form of what was decided about a repository, or about all of an organisation's.
struct PolicyForm {
    private static let day: Int64 = 86400

    /// What was decided before.
    let policy: RepositoryPolicy

    /// The values of the template `policy`; `setsQuota` is whether the visitor decides about quotas.
    func values(setsQuota: Bool) -> [String: Any] {
        [
            "immutableTags": (policy.immutableTags ?? []).joined(separator: " "),
            "keepTags": policy.keepTags.map { "\($0)" } ?? "", "untaggedDays": days, "setsQuota": setsQuota,
            "quota": policy.quota.map { "\($0)" } ?? "",
            "sparse": [("", "as is decided more widely"), ("true", "yes"), ("false", "no")].map {
                value, text in
                [
                    "value": value, "text": text,
                    "isChosen": value == (policy.allowsSparse.map { "\($0)" } ?? ""),
                ] as [String: Any]
            },
        ]
    }

    /// Days, with a fraction where it is no whole number of them.
    private var days: String {
        guard let seconds = policy.untaggedLifetime else { return "" }
        return seconds % Self.day == 0 ? "\(seconds / Self.day)" : "\(Double(seconds) / Double(Self.day))"
    }

    /// What the form decides; nil lifts everything.
    ///
    /// What it leaves empty is left to wider policies.
    func decided(_ form: RequestTarget, setsQuota: Bool) throws(HubError) -> RepositoryPolicy? {
        var policy = policy
        let patterns = (form.values("immutableTags").first ?? "").split { " ,".contains($0) }.map(String.init)
        policy.immutableTags = patterns.isEmpty ? nil : patterns
        policy.keepTags = try number("keepTags", form).map { Int(clamping: $0) }
        // What nobody touched stays what it is to the second.
        if form.values("untaggedDays").first ?? "" != days {
            policy.untaggedLifetime = try number("untaggedDays", form).map { min($0, 36500) * Self.day }
        }
        policy.allowsSparse =
            switch form.values("allowsSparse").first {
            case "true": true
            case "false": false
            default: nil
            }
        if setsQuota { policy.quota = try number("quota", form) }
        return policy == RepositoryPolicy() ? nil : policy
    }

    private func number(_ name: String, _ form: RequestTarget) throws(HubError) -> Int64? {
        let text = form.values(name).first ?? ""
        if text.isEmpty { return nil }
        guard let value = decimal(text) else {
            throw HubError(.policyInvalid, "\"\(text.prefix(40))\" is not a number")
        }
        return value
    }
}
