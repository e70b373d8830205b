// SPDX-License-Identifier: Apache-2.0

/// Which objects are meant, by their labels (Kubernetes API, `LabelSelector`): all requirements have to hold.
package struct LabelSelector: Hashable, Sendable, CustomStringConvertible {
    /// What one label has to be.
    package struct Requirement: Hashable, Sendable, CustomStringConvertible {
        package enum Operator: String, Hashable, Sendable, CaseIterable {
            /// The label has one of the values.
            case within = "In"
            /// The label has none of the values, or is not there.
            case notWithin = "NotIn"
            case exists = "Exists"
            case absent = "DoesNotExist"
        }

        package let key: String
        package let comparison: Operator
        /// Sorted; none for those that only ask whether the label is there.
        package let values: [String]

        /// - Throws: `DeploymentError` for a key or value that no label can have, and for values that are missing or too many.
        package init(_ key: String, _ comparison: Operator, _ values: [String] = []) throws {
            guard KubernetesNames.isLabelKey(key) else {
                throw DeploymentError(
                    .invalid, "\"\(key)\" cannot be the key of a label",
                    hint:
                        "use at most 63 letters, digits, '-', '_' and '.', perhaps after a DNS name and a '/'"
                )
            }
            if let value = values.first(where: { !KubernetesNames.isLabelValue($0) }) {
                throw DeploymentError(
                    .invalid, "the label \"\(key)\" cannot have the value \"\(value)\"",
                    hint:
                        "use at most 63 letters, digits, '-', '_' and '.', a letter or digit first and last")
            }
            let needsValues = comparison == .within || comparison == .notWithin
            guard needsValues != values.isEmpty else {
                throw DeploymentError(
                    .invalid,
                    "\(comparison.rawValue) of the label \"\(key)\" \(needsValues ? "needs values" : "takes no values")"
                )
            }
            self.key = key
            self.comparison = comparison
            self.values = Set(values).sorted()
        }

        package func matches(_ labels: [String: String]) -> Bool {
            switch comparison {
            case .within: labels[key].map { values.contains($0) } ?? false
            case .notWithin: labels[key].map { !values.contains($0) } ?? true
            case .exists: labels[key] != nil
            case .absent: labels[key] == nil
            }
        }

        /// As `kubectl --selector` takes it.
        package var description: String {
            let list = values.joined(separator: ",")
            return switch comparison {
            case .within: values.count == 1 ? "\(key)=\(list)" : "\(key) in (\(list))"
            case .notWithin: values.count == 1 ? "\(key)!=\(list)" : "\(key) notin (\(list))"
            case .exists: key
            case .absent: "!\(key)"
            }
        }
    }

    package var requirements: [Requirement]

    package init(_ requirements: [Requirement] = []) { self.requirements = requirements }

    /// A selector of equal labels, as in `matchLabels`.
    package init(_ labels: [String: String]) throws {
        requirements = try labels.sorted { $0.key < $1.key }.map {
            try Requirement($0.key, .within, [$0.value])
        }
    }

    /// Whether all requirements hold; a selector without one means everything.
    package func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { $0.matches(labels) }
    }

    /// The labels, if all requirements are for equal ones: what targets can say that know no sets.
    package var equalLabels: [String: String]? {
        var labels: [String: String] = [:]
        for requirement in requirements {
            guard requirement.comparison == .within, requirement.values.count == 1,
                labels[requirement.key].map({ $0 == requirement.values[0] }) ?? true
            else { return nil }
            labels[requirement.key] = requirement.values[0]
        }
        return labels
    }

    /// As `kubectl --selector` takes it.
    package var description: String { requirements.map(\.description).joined(separator: ",") }

    /// The selector as the API has it, with `matchLabels` and `matchExpressions`.
    package var value: ConfigValue {
        var fields: [ConfigValue.Field] = []
        var seen: Set<String> = []
        let equal = requirements.filter {
            $0.comparison == .within && $0.values.count == 1 && seen.insert($0.key).inserted
        }
        if !equal.isEmpty {
            fields.add(
                "matchLabels", .map(equal.map { .init(key: $0.key, value: .string($0.values[0])) }))
        }
        let others = requirements.filter { !equal.contains($0) }.map { requirement -> ConfigValue in
            var fields: [ConfigValue.Field] = [
                .init(key: "key", value: .string(requirement.key)),
                .init(key: "operator", value: .string(requirement.comparison.rawValue)),
            ]
            if !requirement.values.isEmpty {
                fields.add("values", .list(requirement.values.map { .string($0) }))
            }
            return .map(fields)
        }
        if !others.isEmpty { fields.add("matchExpressions", .list(others)) }
        return .map(fields)
    }
}
