// SPDX-License-Identifier: Apache-2.0

private import FilterImage

extension LabelSelector {
    /// Why a selector means nothing of what there is, and what was meant most likely.
    /// - Parameter objects: the labels of each object, as of all pods of a namespace.
    /// - Returns: lines for people, one for each requirement that fails; none if something matches.
    package func suggestions(among objects: [[String: String]]) -> [String] {
        guard !objects.contains(where: matches) else { return [] }
        if objects.isEmpty { return ["there is nothing to select from"] }
        let alone = requirements.filter { requirement in !objects.contains(where: requirement.matches) }
        guard alone.isEmpty else { return alone.map { Self.suggestion(for: $0, among: objects) } }
        // Each holds for something, and nothing has them all: the one without which something is left is named.
        let blocking = requirements.filter { requirement in
            let rest = LabelSelector(requirements.filter { $0 != requirement })
            return objects.contains(where: rest.matches)
        }
        let names = (blocking.isEmpty ? requirements : blocking).map { "\"\($0)\"" }.joined(separator: ", ")
        return [
            blocking.isEmpty
                ? "nothing has all of \(names) at once"
                : "something has all the others without \(names)"
        ]
    }

    private static func suggestion(
        for requirement: Requirement, among objects: [[String: String]]
    ) -> String {
        let key = requirement.key
        let values = Set(objects.compactMap { $0[key] })
        guard requirement.comparison == .within || requirement.comparison == .exists else {
            return "everything has what \"\(requirement)\" excludes"
        }
        if values.isEmpty {
            let keys = Set(objects.flatMap(\.keys))
            if let near = closestName(to: key, in: keys) {
                let there = list(Set(objects.compactMap { $0[near] }))
                return "nothing has a label \"\(key)\"; did you mean \"\(near)\" (\(there))?"
            }
            // People take the label of one tool for that of another: the value is what they know.
            let holders = requirement.values.flatMap { value in
                objects.flatMap { $0.filter { $0.value == value }.map { "\($0.key)=\($0.value)" } }
            }
            if let holder = Set(holders).sorted().first {
                return "nothing has a label \"\(key)\"; did you mean \"\(holder)\"?"
            }
            return "nothing has a label \"\(key)\"; there are \(list(keys))"
        }
        if let wanted = requirement.values.first, let near = closestName(to: wanted, in: values) {
            return "nothing has \"\(requirement)\"; did you mean \"\(key)=\(near)\"?"
        }
        return "nothing has \"\(requirement)\"; \"\(key)\" is \(list(values))"
    }

    private static func list(_ names: Set<String>) -> String {
        let sorted = names.sorted()
        let shown = sorted.prefix(8).joined(separator: ", ")
        return sorted.count > 8 ? "\(shown) and \(sorted.count - 8) more" : shown
    }
}
