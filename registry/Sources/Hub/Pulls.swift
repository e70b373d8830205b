// SPDX-License-Identifier: Apache-2.0

package import OCI
private import Synchronization

/// Counts pulls in memory until they are written down: a pull writes nothing.
///
/// Each thread that answers pulls has a table of its own, which nobody waits for; a crash of the process loses what was
/// not written, a few seconds of it.
package final class PullCounts: Sendable {
    /// The counts of one thread; others only come to fetch them.
    package final class Table: Sendable {
        private let counts = Mutex<[Repository: Int]>([:])

        /// Counts one pull.
        package func note(_ repository: Repository) { counts.withLock { $0[repository, default: 0] += 1 } }

        fileprivate func take() -> [Repository: Int] {
            counts.withLock { counts in
                defer { counts = [:] }
                return counts
            }
        }

        fileprivate func putBack(_ taken: [Repository: Int]) {
            counts.withLock { $0.merge(taken, uniquingKeysWith: +) }
        }
    }

    private let tables = Mutex<[Table]>([])
    /// For whoever has no thread of its own.
    package let shared = Table()

    package init() {}

    /// A table for one thread.
    package func table() -> Table {
        let table = Table()
        tables.withLock { $0.append(table) }
        return table
    }

    fileprivate func take() -> [Repository: Int] {
        tables.withLock { $0 + [shared] }.reduce(into: [:]) { all, table in
            all.merge(table.take(), uniquingKeysWith: +)
        }
    }

    fileprivate func putBack(_ taken: [Repository: Int]) { shared.putBack(taken) }
}

/// The pulls of one day.
package struct DailyPulls: Hashable, Sendable {
    /// Days since 1970, in UTC.
    package let day: Int64
    package let count: Int64

    package init(day: Int64, count: Int64) {
        self.day = day
        self.count = count
    }
}

/// Keeps how often repositories are pulled.
package protocol PullStore: Sendable {
    /// Adds pulls of one day; those of repositories that are gone count for nothing.
    func addPulls(_ counts: [Repository: Int], day: Int64) async throws
    /// Pulls of a repository from a day on, the oldest first, without days on which there were none.
    func pulls(of repository: Repository, since day: Int64) async throws -> [DailyPulls]
}

extension Registry {
    private static let day: Int64 = 24 * 3600

    /// Writes down what was counted since the last time.
    package func writePulls() async throws {
        let counts = pullCounts.take()
        guard !counts.isEmpty else { return }
        do {
            try await metadata.addPulls(counts, day: now() / Self.day)
        } catch {
            pullCounts.putBack(counts)
            throw error
        }
    }

    /// Pulls of a repository on each of the last days, the oldest first; the last one is today.
    package func pulls(of repository: Repository, days: Int) async throws -> [DailyPulls] {
        let today = now() / Self.day
        let first = today - Int64(max(1, days)) + 1
        let known = try await metadata.pulls(of: repository, since: first).reduce(into: [:]) {
            $0[$1.day] = $1.count
        }
        return (first...today).map { DailyPulls(day: $0, count: known[$0] ?? 0) }
    }
}
