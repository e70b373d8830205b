// SPDX-License-Identifier: Apache-2.0

/// Metrics in Prometheus' text format (exposition formats, "Text format details"), as agents serve them.
package struct PrometheusText: Sendable {
    /// One value of a metric.
    package struct Sample: Hashable, Sendable {
        package let name: String
        package let labels: [String: String]
        package let value: Double
    }

    package let samples: [Sample]

    /// Reads a page; lines that are no samples are left out.
    /// - Parameters:
    ///   - page: the text.
    ///   - prefix: only samples whose name begins so.
    package init(_ page: some Sequence<UInt8>, prefix: String = "") {
        let prefix = Array(prefix.utf8)
        samples = Array(page).split(separator: UInt8(ascii: "\n")).compactMap { line in
            line.starts(with: prefix) ? Self.sample(Substring(decoding: line, as: UTF8.self)) : nil
        }
    }

    /// The sum of all samples of a metric that have these labels.
    package func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
        samples.filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }.reduce(0) { $0 + $1.value }
    }

    private static func sample(_ line: Substring) -> Sample? {
        guard let first = line.first, first != "#" else { return nil }
        let name = line.prefix { $0 != "{" && $0 != " " && $0 != "\t" }
        var rest = line.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while let next = rest.first, next != "}" {
                let label = rest.prefix { $0 != "=" }
                rest = rest.dropFirst(label.count + 1)
                guard rest.first == "\"", let value = quoted(&rest) else { return nil }
                labels[label.trimmingPrefix { $0 == " " || $0 == "," }.description] = value
                rest = rest.drop { $0 == "," || $0 == " " }
            }
            guard rest.first == "}" else { return nil }
            rest = rest.dropFirst()
        }
        let value = rest.split(whereSeparator: { $0 == " " || $0 == "\t" }).first.flatMap { Double($0) }
        guard !name.isEmpty, let value else { return nil }
        return Sample(name: String(name), labels: labels, value: value)
    }

    /// A label's value, with what is escaped in it.
    private static func quoted(_ rest: inout Substring) -> String? {
        rest = rest.dropFirst()
        var value = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return value
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                value.append(escaped == "n" ? "\n" : escaped)
            default: value.append(character)
            }
        }
        return nil
    }
}
