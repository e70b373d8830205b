// SPDX-License-Identifier: Apache-2.0

package import Diagnostics

/// What can go wrong when a filter is measured.
package struct BenchError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        let name: String
        /// What is asked for cannot be measured.
        package static let invalid = Code(name: "invalid")
        /// Envoy does not take the filter.
        package static let rejected = Code(name: "rejected")
        /// The filter, or what is around it, does not answer as it should.
        package static let unanswered = Code(name: "unanswered")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?
    package let hint: String?

    package var category: DiagnosticCategory { code == .invalid ? .usage : .failed }

    init(_ code: Code, _ message: String, cause: (any Error)? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
    }
}
