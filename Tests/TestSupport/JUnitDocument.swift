// SPDX-License-Identifier: Apache-2.0

package import Foundation

#if canImport(FoundationXML)
    package import FoundationXML
#endif

/// A report in JUnit's format, read by a real parser and held against what the schemas of Jenkins (`junit-10.xsd`) and
/// of Maven's Surefire (`surefire-test-report.xsd`) both allow.
package final class JUnitDocument: NSObject, XMLParserDelegate {
    package struct Suite: Sendable {
        package let name: String
        package let tests: Int
    }

    /// What is not allowed; empty for a sound report.
    package private(set) var faults: [String] = []
    package private(set) var suites: [Suite] = []
    /// The names of the test cases.
    package private(set) var names: [String] = []
    private var elements: [(name: String, attributes: [String: String])] = []
    private var open: [String] = []

    /// For each element: which may stand around it, which attributes it has to have, and which it may have.
    private static let rules: [String: (parents: [String], required: [String], optional: [String])] = [
        "testsuites": ([""], [], ["name", "tests", "failures", "errors", "time", "disabled"]),
        "testsuite": (
            ["testsuites"], ["name", "tests", "failures", "errors", "time", "skipped"],
            ["timestamp", "hostname", "id", "package"]
        ),
        "testcase": (["testsuite"], ["name", "classname", "time"], ["status", "assertions"]),
        "failure": (["testcase"], ["message", "type"], []), "error": (["testcase"], ["message", "type"], []),
        "skipped": (["testcase"], ["message"], []), "system-out": (["testcase"], [], []),
    ]

    package init(_ text: String) throws {
        super.init()
        let parser = XMLParser(data: Data(text.utf8))
        parser.delegate = self
        if !parser.parse() { faults.append("\(parser.parserError.map { "\($0)" } ?? "no XML")") }
        for suite in suites where suite.tests != names(in: suite.name) {
            faults.append("\"\(suite.name)\" does not have \(suite.tests) test cases")
        }
    }

    /// The attributes of all elements of a name.
    package func attributes(_ name: String) -> [[String: String]] {
        elements.filter { $0.name == name }.map(\.attributes)
    }

    private func names(in suite: String) -> Int {
        var count = 0
        var isInside = false
        for element in elements {
            if element.name == "testsuite" { isInside = element.attributes["name"] == suite }
            if element.name == "testcase", isInside { count += 1 }
        }
        return count
    }

    package func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String]
    ) {
        if let rule = Self.rules[name] {
            if !rule.parents.contains(open.last ?? "") { faults.append("<\(name)> in <\(open.last ?? "")>") }
            for attribute in rule.required where attributes[attribute] == nil {
                faults.append("<\(name)> without \(attribute)")
            }
            for attribute in attributes.keys where !(rule.required + rule.optional).contains(attribute) {
                faults.append("<\(name) \(attribute)>")
            }
            for attribute in ["tests", "failures", "errors", "skipped"] {
                if let value = attributes[attribute], Int(value) == nil {
                    faults.append("\(attribute)=\(value)")
                }
            }
            if let time = attributes["time"], Double(time) == nil { faults.append("time=\(time)") }
        } else {
            faults.append("<\(name)>")
        }
        open.append(name)
        elements.append((name, attributes))
        if name == "testsuite" {
            suites.append(
                Suite(name: attributes["name"] ?? "", tests: attributes["tests"].flatMap(Int.init) ?? -1))
        }
        if name == "testcase" { names.append(attributes["name"] ?? "") }
    }

    package func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
        open.removeLast()
    }
}
