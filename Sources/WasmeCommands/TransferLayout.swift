// SPDX-License-Identifier: Apache-2.0

import ImageTransfer
import OCI

/// Lays a transfer's progress out in lines: bars for a terminal of a certain size, sentences for a log.
///
/// Every line is plain ASCII, so that a character is a column.
struct TransferLayout {
    /// Most blobs shown at once: more is a wall, not a sign of life.
    private static let blobsShown = 12
    private static let longestBar = 20
    private static let shortestBar = 6
    /// Columns of what a blob is; file names may be longer.
    private static let shortestRole = 9
    private static let longestRole = 16
    /// Without a byte for so long, a blob counts as waiting.
    private static let patience = Duration.seconds(2)

    let action: TransferAction
    var columns = 80
    var rows = 24
    var paint = Paint(isActive: false)

    /// One line of the display: what it looks like without colours, and with them.
    struct Line: Equatable {
        var plain = ""
        var painted = ""

        fileprivate mutating func add(_ text: String, _ painted: String? = nil) {
            plain += text
            self.painted += painted ?? text
        }
    }

    // MARK: On a terminal

    /// A line for each blob that there is room for, and one for all of them.
    func lines(_ progress: TransferProgress, at now: Duration) -> [Line] {
        // The cursor stands below the last line.
        let room = min(max(rows - 2, 0), Self.blobsShown)
        let shown = shown(progress.blobs, room)
        let longest = shown.map(\.descriptor.role.count).max() ?? 0
        let names =
            13 + min(max(longest, Self.shortestRole), columns < 80 ? Self.shortestRole : Self.longestRole)
        return shown.map { line($0, names, at: now) } + [total(progress, names, at: now)]
    }

    /// The blobs to show, in the order of the plan: those on their way before those just over before those to come.
    private func shown(_ blobs: [TransferProgress.Blob], _ room: Int) -> [TransferProgress.Blob] {
        guard blobs.count > room else { return blobs }
        func rank(_ blob: TransferProgress.Blob) -> Int {
            blob.state == .moving ? 0 : blob.isOver ? 1 : 2
        }
        let chosen = blobs.indices.sorted { left, right in
            let ranks = (rank(blobs[left]), rank(blobs[right]))
            guard ranks.0 == ranks.1 else { return ranks.0 < ranks.1 }
            return ranks.0 == 1 && blobs[left].changed != blobs[right].changed
                ? blobs[left].changed > blobs[right].changed : left < right
        }
        return chosen.prefix(room).sorted().map { blobs[$0] }
    }

    private func line(_ blob: TransferProgress.Blob, _ names: Int, at now: Duration) -> Line {
        let name = pad(String("\(blob.descriptor.digest.short) \(blob.descriptor.role)".prefix(names)), names)
        let size = byteCount(blob.descriptor.size)
        switch blob.state {
        case .planned: return fitted(name, ["to come", size])
        case .present: return fitted(name, ["there already", size], isOver: true)
        case .mounted(let source): return fitted(name, ["mounted from \(source)", size], isOver: true)
        case .finished: return fitted(name, ["done", size], isOver: true)
        case .moving:
            var pace = pace(blob.rate, left: blob.descriptor.size - blob.position, at: now)
            if blob.position >= blob.descriptor.size {
                pace = ["finishing"]
            } else if now - blob.changed > Self.patience {
                pace = ["waiting"]
            }
            var note: String?
            if blob.startedOver {
                note = "once more"
            } else if let start = blob.resumedAt {
                note = "resumed at \(byteCount(start))"
            }
            return bar(name, blob.position, of: blob.descriptor.size, pace, note)
        }
    }

    private func total(_ progress: TransferProgress, _ names: Int, at now: Duration) -> Line {
        let over = progress.blobs.count { $0.isOver }
        let name = "\(action.rawValue) \(over) of \(progress.blobs.count)"
        let (done, total) = (progress.done, progress.total)
        return bar(pad(name, names), done, of: total, pace(progress.rate, left: total - done, at: now))
    }

    private func pace(_ rate: TransferRate, left: Int64, at now: Duration) -> [String] {
        guard let speed = rate.perSecond(at: now), speed >= 1 else { return [] }
        return ["\(byteCount(Int64(min(speed, 1e15))))/s", "\(clock(Double(left) / speed)) left"]
    }

    /// A name, a bar, and as many of the figures as fit, the more important ones first; each has its column.
    private func bar(
        _ name: String, _ position: Int64, of total: Int64, _ pace: [String], _ note: String? = nil
    ) -> Line {
        let position = min(max(position, 0), total)
        let share = total > 0 ? Double(position) / Double(total) : 1
        let figures = ["\(Int(share * 100))%", byteCount(position, of: total)] + pace
        let widths = [4, 14, 10, 9]
        var line = Line()
        line.add(String(name.prefix(width)))
        var used = line.plain.count
        let fitting = widths.prefix { column in
            // The bar goes before all figures but the first.
            guard used + 2 + column + (used > name.count ? Self.shortestBar + 4 : 0) <= width else {
                return false
            }
            used += 2 + column
            return true
        }
        let length = min(width - used - 4, Self.longestBar)
        if length >= Self.shortestBar {
            let full = Int(share * Double(length))
            let done = String(repeating: "=", count: full) + (full < length ? ">" : "")
            line.add("  [")
            line.add(done, paint(done, .green))
            line.add(pad("", length - done.count) + "]")
        }
        for (figure, column) in zip(figures, fitting) {
            let figure = pad(right: figure, column)
            guard line.plain.count + 2 + figure.count <= width else { break }
            line.add("  " + figure)
        }
        if let note, line.plain.count + 2 + note.count <= width { line.add("  " + note) }
        return line
    }

    /// A name and as many of the words as fit.
    private func fitted(_ name: String, _ words: [String], isOver: Bool = false) -> Line {
        var text = String(name.prefix(width))
        for word in words where text.count + 2 + word.count <= width { text += "  " + word }
        return Line(plain: text, painted: isOver ? paint(text, .dim) : text)
    }

    /// The last column stays free: a terminal that is full to the edge may begin a line of its own.
    private var width: Int { max(columns - 1, 0) }

    // MARK: In a log

    /// What became of a blob, in one line.
    func sentence(_ blob: TransferProgress.Blob, at now: Duration) -> String {
        let name = blob.descriptor.digest.short
        let what = "\(byteCount(blob.descriptor.size)) \(blob.descriptor.role)"
        switch blob.state {
        case .present: return "\(name) is there already (\(what))"
        case .mounted(let source): return "\(name) mounted from \(source) (\(what))"
        case .planned, .moving, .finished:
            let tenths = Int(((now - (blob.began ?? now)) / .milliseconds(100)).rounded())
            let resumed = blob.resumedAt.map { ", resumed at \(byteCount($0))" } ?? ""
            return "\(action.done) \(name) \(what) in \(tenths / 10).\(tenths % 10) s\(resumed)"
        }
    }
}

private func pad(right text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(width - text.count, 0)) + text
}

/// A time as a clock shows it.
private func clock(_ seconds: Double) -> String {
    guard seconds < 360_000 else { return "days" }
    let seconds = Int(seconds.rounded(.up))
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return seconds < 3600
        ? "\(seconds / 60):\(two(seconds % 60))"
        : "\(seconds / 3600):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
}
