// SPDX-License-Identifier: Apache-2.0

package import Diagnostics
import FilterProject
import YAML

/// What is wrong with a `tests.yaml`, and where.
package struct ScenarioError: Diagnostic {
    /// What the file is called.
    package let file: String
    /// From one.
    package let line: Int
    /// From one; nil where the whole test is meant.
    package let column: Int?
    /// What is wrong, without its place.
    package let reason: String
    package let hint: String?
    /// What else is wrong with the file, in its order; each of them has no others.
    package var others: [ScenarioError] = []

    package init(file: String, line: Int, column: Int? = nil, _ reason: String, hint: String? = nil) {
        self.file = file
        self.line = line
        self.column = column
        self.reason = reason
        self.hint = hint
    }

    init(_ node: YAMLNode, in file: String, _ reason: String, hint: String? = nil) {
        self.init(file: file, line: node.line, column: node.column, reason, hint: hint)
    }

    package var message: String {
        "\(file):\(line)" + (column.map { ":\($0)" } ?? "") + ": \(reason)"
    }

    package var category: DiagnosticCategory { .usage }

    /// This one and the others.
    package var all: [ScenarioError] {
        var first = self
        first.others = []
        return [first] + others
    }

    /// Several as one, each said once; nil if there are none.
    init?(all errors: [ScenarioError]) {
        var seen: Set<String> = []
        let different = errors.flatMap(\.all).filter { seen.insert($0.message).inserted }
        guard let first = different.first else { return nil }
        self = first
        others = Array(different.dropFirst())
    }
}
