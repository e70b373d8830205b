// SPDX-License-Identifier: Apache-2.0

private import Foundation
import Hub
import OCI

extension Visit {
    private static let daysShown = 30

    /// How often a repository was pulled on each of the last days, as a picture that goes into a template as it is;
    /// nil if it never was in that time.
    func pullChart(of repository: Repository) async throws -> String? {
        let days = try await registry.pulls(of: repository, days: Self.daysShown)
        let total = days.reduce(0) { $0 + $1.count }
        guard total > 0, let most = days.max(by: { $0.count < $1.count }) else { return nil }
        return Chart(
            id: "pulls", title: "Pulls a day",
            summary: """
                \(grouped(total)) pulls in the last \(Self.daysShown) days; most, \(grouped(most.count)), on \
                \(Self.date(most.day)).
                """, shape: .columns, points: days.map { Chart.Point(Self.date($0.day), $0.count) },
            columns: ("Day", "Pulls"), text: grouped
        ).html()
    }

    /// A day in UTC as ISO 8601 writes it.
    static func date(_ day: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(day * 86_400)).formatted(.iso8601.year().month().day())
    }
}
