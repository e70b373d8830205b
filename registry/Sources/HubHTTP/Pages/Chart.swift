// SPDX-License-Identifier: Apache-2.0

/// A picture of numbers: inline SVG that is drawn on the server, with the same numbers as a table beside it.
///
/// Colours come from the style sheet by class, so that it needs no style of its own and follows light and dark. Labels
/// may be whatever somebody pushed: they are escaped here, and the result goes into a template as it is (`{{{chart}}}`).
struct Chart {
    enum Shape {
        /// One column a value, from left to right: what happened day by day.
        case columns
        /// A line with a dot a value, from left to right: how something grew.
        case line
        /// One bar a value, from top to bottom, with its label and text: shares of a whole.
        case bars
    }

    struct Point {
        /// What the value belongs to, as in "2026-08-01" or "v1.2.0".
        let label: String
        let value: Int64

        init(_ label: String, _ value: Int64) {
            self.label = label
            self.value = max(0, value)
        }
    }

    /// Names the picture within its page: letters, digits and dashes.
    let id: String
    /// What it shows, as in "Pulls a day".
    let title: String
    /// What is to be seen in it, for those who do not see it.
    var summary = ""
    let shape: Shape
    let points: [Point]
    /// The heads of the table's columns.
    var columns = (label: "Name", value: "Value")
    /// A value as people read it.
    var text: (Int64) -> String = { "\($0)" }

    private static let width = 640
    private static let height = 160
    private static let left = 64
    private static let top = 10
    private static let bottom = 24
    private static let barHeight = 44

    /// The picture and its table; nothing where there are no values.
    func html() -> String {
        guard !points.isEmpty else { return "" }
        return """
            <figure class="chart"><figcaption>\(escaped(title))</figcaption>\(svg())\
            <details><summary>\(escaped(title)) as a table</summary>\
            <table><thead><tr><th scope="col">\(escaped(columns.label))</th>\
            <th scope="col" class="number">\(escaped(columns.value))</th></tr></thead><tbody>\(rows())</tbody></table>\
            </details></figure>
            """
    }

    /// The picture alone.
    func svg() -> String {
        let height = shape == .bars ? points.count * Self.barHeight : Self.height
        let drawn =
            switch shape {
            case .bars: bars()
            case .columns: axis() + columnShapes()
            case .line: axis() + line()
            }
        return """
            <svg viewBox="0 0 \(Self.width) \(height)" role="img" aria-labelledby="\(id)-title \(id)-text">\
            <title id="\(id)-title">\(escaped(title))</title><desc id="\(id)-text">\(escaped(description))</desc>\
            \(drawn)</svg>
            """
    }

    private var description: String {
        guard summary.isEmpty else { return summary }
        let most = points.max { $0.value < $1.value }
        return most.map { "\(points.count) values; the highest is \(text($0.value)), of \($0.label)." } ?? ""
    }

    private func rows() -> String {
        points.map {
            "<tr><th scope=\"row\">\(escaped($0.label))</th><td class=\"number\">\(escaped(text($0.value)))</td></tr>"
        }.joined()
    }

    // MARK: - Shapes

    private var highest: Int64 { points.map(\.value).max() ?? 0 }

    /// The top of the scale: the next round number, so that the lines of the grid have names that are short.
    private var scale: Int64 {
        var step: Int64 = 1
        while true {
            for factor: Int64 in [1, 2, 4, 5] {
                let (round, isTooLarge) = step.multipliedReportingOverflow(by: factor * 2)
                if isTooLarge { return highest }
                if round >= highest { return round }
            }
            let (next, isTooLarge) = step.multipliedReportingOverflow(by: 10)
            if isTooLarge { return highest }
            step = next
        }
    }

    private var floor: Int { Self.height - Self.bottom }

    private func y(_ value: Int64, of scale: Int64) -> Int {
        floor - Int(Double(floor - Self.top) * Double(value) / Double(max(1, scale)))
    }

    /// Three lines with their values, and the first and last label.
    private func axis() -> String {
        let scale = scale
        var drawn = ""
        for value in Set([0, scale / 2, scale]).sorted() {
            let y = y(value, of: scale)
            drawn += """
                <line class="grid" x1="\(Self.left)" y1="\(y)" x2="\(Self.width)" y2="\(y)"/>\
                <text x="\(Self.left - 8)" y="\(y + 4)" text-anchor="end">\(escaped(text(value)))</text>
                """
        }
        let base = Self.height - 6
        drawn += "<text x=\"\(Self.left)\" y=\"\(base)\">\(label(points[0]))</text>"
        if points.count > 1, let last = points.last {
            drawn += "<text x=\"\(Self.width)\" y=\"\(base)\" text-anchor=\"end\">\(label(last))</text>"
        }
        return drawn
    }

    private func columnShapes() -> String {
        let scale = scale
        let room = Double(Self.width - Self.left) / Double(points.count)
        let width = max(1, Int(room * 0.8))
        return points.enumerated().filter { $1.value > 0 }.map { index, point in
            let top = min(y(point.value, of: scale), floor - 1)
            let left = Self.left + Int(room * (Double(index) + 0.1))
            return
                "<rect class=\"mark\" x=\"\(left)\" y=\"\(top)\" width=\"\(width)\" height=\"\(floor - top)\">"
                + "\(tip(point))</rect>"
        }.joined()
    }

    private func line() -> String {
        let scale = scale
        // Dots are drawn whole.
        let room = Double(Self.width - Self.left - 8)
        let places = points.enumerated().map { index, point in
            let share = points.count == 1 ? 0.5 : Double(index) / Double(points.count - 1)
            return (x: Self.left + 4 + Int(room * share), y: y(point.value, of: scale))
        }
        let path = places.map { "\($0.x),\($0.y)" }.joined(separator: " ")
        let dots = zip(places, points).map { place, point in
            "<circle class=\"mark\" cx=\"\(place.x)\" cy=\"\(place.y)\" r=\"4\">\(tip(point))</circle>"
        }
        return "<polyline class=\"path\" points=\"\(path)\"/>" + dots.joined()
    }

    /// Name and value stand above each bar, where there is room for them however small the picture is.
    private func bars() -> String {
        points.enumerated().map { index, point in
            let top = index * Self.barHeight
            let length = max(1, Int(Double(Self.width) * Double(point.value) / Double(max(1, highest))))
            return """
                <text x="0" y="\(top + 18)">\(label(point))</text>\
                <text x="\(Self.width)" y="\(top + 18)" text-anchor="end">\(escaped(text(point.value)))</text>\
                <rect class="mark" x="0" y="\(top + 24)" width="\(length)" height="12">\(tip(point))</rect>
                """
        }.joined()
    }

    private func label(_ point: Point) -> String {
        escaped(point.label.count > 24 ? point.label.prefix(23) + "…" : point.label[...])
    }

    private func tip(_ point: Point) -> String {
        "<title>\(escaped(point.label)): \(escaped(text(point.value)))</title>"
    }
}

/// Text as it may stand in HTML and XML, between tags and in quoted attributes.
///
/// Characters that XML has no place for are left out.
func escaped(_ text: some StringProtocol) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": escaped += "&amp;"
        case "<": escaped += "&lt;"
        case ">": escaped += "&gt;"
        case "\"": escaped += "&quot;"
        case "'": escaped += "&#39;"
        // XML 1.0 §2.2.
        case "\t", "\n", "\r", "\u{20}"..."\u{FFFD}", "\u{10000}"...: escaped.unicodeScalars.append(scalar)
        default: continue
        }
    }
    return escaped
}
