// SPDX-License-Identifier: Apache-2.0

/// Versions of one host that follow each other.
package struct HostSpan: Hashable, Sendable, CustomStringConvertible {
    /// The host's plain name.
    package let family: String
    /// The host's name for people.
    package let title: String
    package let from: HostVersion
    package fileprivate(set) var to: HostVersion

    package var description: String { from == to ? "\(title) \(from)" : "\(title) \(from) to \(to)" }
}

/// What came out for several targets: a row for each host, and every finding once with the hosts it holds for.
package struct CheckReport: Sendable {
    /// A finding and where it holds.
    package struct Entry: Sendable {
        package let finding: Finding
        package fileprivate(set) var hosts: [HostSpan]
        /// Whether it holds in every row.
        package fileprivate(set) var isEverywhere = false
        fileprivate var rows: [Int]
    }

    /// In the order of the targets, the oldest versions of each first.
    package let rows: [HostCheckRow]
    /// The worst first, then in the order of the file.
    package let entries: [Entry]

    package init(_ rows: [HostCheckRow]) {
        self.rows = rows
        var entries: [Entry] = []
        for (number, row) in rows.enumerated() {
            let span = HostSpan(family: row.family, title: row.title, from: row.from, to: row.to)
            for finding in row.findings {
                guard let place = entries.firstIndex(where: { $0.finding.saysTheSame(as: finding) }) else {
                    entries.append(Entry(finding: finding, hosts: [span], rows: [number]))
                    continue
                }
                guard entries[place].rows.last != number else { continue }
                // The row before this one, of the same host: its versions go on.
                if let last = entries[place].hosts.last, entries[place].rows.last == number - 1,
                    last.family == span.family
                {
                    entries[place].hosts[entries[place].hosts.count - 1].to = span.to
                } else {
                    entries[place].hosts.append(span)
                }
                entries[place].rows.append(number)
            }
        }
        for place in entries.indices { entries[place].isEverywhere = entries[place].rows.count == rows.count }
        self.entries = entries.enumerated().sorted { left, right in
            let (first, second) = (left.element.finding, right.element.finding)
            if first.severity != second.severity { return first.severity > second.severity }
            let offsets = (first.location?.offset ?? 0, second.location?.offset ?? 0)
            return (offsets.0, left.offset) < (offsets.1, right.offset)
        }
        .map(\.element)
    }

    /// Whether every host takes it.
    package var isTaken: Bool { rows.allSatisfy(\.isTaken) }

    /// How many findings of a severity there are, each counted once.
    package func count(_ severity: Finding.Severity) -> Int {
        entries.count { $0.finding.severity == severity }
    }
}

extension HostCatalog {
    /// What to check for if nobody says: the newest of the hosts that most filters are for.
    package static let usualTargets = ["envoy", "istio", "envoy-gateway"].map { HostTarget(host: $0) }

    /// The newest version of every host that is known.
    package var everyTarget: [HostTarget] { families.map { HostTarget(host: $0.name) } }

    /// Checks for several targets.
    package func report(_ subject: CheckSubject, for targets: [HostTarget]) throws -> CheckReport {
        CheckReport(try targets.flatMap { try check(subject, for: $0) })
    }
}
