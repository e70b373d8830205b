// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Testing

@testable import HubHTTP

/// Pictures that are drawn on the server.
@Suite struct ChartTests {
    private static let shapes: [Chart.Shape] = [.columns, .line, .bars]

    /// What an XML parser finds in it: the names of its elements, its texts and attributes.
    private final class Found: NSObject, XMLParserDelegate {
        var elements: [String: Int] = [:]
        var attributes: Set<String> = []
        var texts = ""

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String] = [:]
        ) {
            elements[name, default: 0] += 1
            self.attributes.formUnion(attributes.keys)
        }
        func parser(_ parser: XMLParser, foundCharacters text: String) { texts += text }
    }

    private func parse(_ svg: String) throws -> Found {
        let found = Found()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = found
        try #require(parser.parse(), "\(svg)")
        return found
    }

    @Test(arguments: [0, 1, 2])
    func `every value is drawn, and told to those who do not see it`(_ shape: Int) throws {
        let points = [
            Chart.Point("2026-08-01", 3), Chart.Point("2026-08-02", 12), Chart.Point("2026-08-03", 7),
        ]
        let chart = Chart(
            id: "pulls", title: "Pulls a day", shape: Self.shapes[shape], points: points,
            columns: ("Day", "Pulls"))
        let found = try parse(chart.svg())
        #expect(found.elements["rect", default: 0] + found.elements["circle", default: 0] == 3)
        #expect(found.texts.contains("3 values; the highest is 12, of 2026-08-02."))
        #expect(found.attributes.isSuperset(of: ["role", "aria-labelledby"]))
        #expect(!found.attributes.contains("style"))
        let html = chart.html()
        for text in ["<td class=\"number\">12</td>", "<th scope=\"col\">Day</th>", "2026-08-03"] {
            #expect(html.contains(text))
        }
    }

    @Test(arguments: [0, 1, 2])
    func `hostile labels stay text`(_ shape: Int) throws {
        let evil = "</title><script>alert(1)</script>\u{1}\u{FFFE}\" onload='x' & ]]>"
        let chart = Chart(
            id: "x", title: evil, summary: evil, shape: Self.shapes[shape], points: [Chart.Point(evil, 1)],
            columns: (evil, evil), text: { _ in evil })
        let found = try parse(chart.html())
        #expect(found.elements["script"] == nil)
        #expect(!found.attributes.contains("onload"))
    }

    @Test func `extreme values make a picture all the same`() throws {
        for shape in Self.shapes {
            for values: [Int64] in [
                [0], [.max], [.min], [0, 0], [.max, 0, -5], Array(repeating: 1, count: 400),
            ] {
                let points = values.map { Chart.Point("x", $0) }
                let svg = Chart(id: "x", title: "x", shape: shape, points: points).svg()
                _ = try parse(svg)
                #expect(!svg.contains("=\"-"), "\(svg)")
            }
            #expect(Chart(id: "x", title: "x", shape: shape, points: []).html().isEmpty)
        }
    }
}
