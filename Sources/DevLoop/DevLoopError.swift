// SPDX-License-Identifier: Apache-2.0

package import Diagnostics

/// What can go wrong while a filter is tried.
package struct DevLoopError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        let name: String
        /// A text is not the address of a server.
        package static let upstream = Code(name: "upstream")
        /// Nothing can listen where it should.
        package static let listener = Code(name: "listener")
        /// Envoy does not take the filter.
        package static let refused = Code(name: "refused")
        /// Envoy took the filter, and nothing shows that it runs.
        package static let notProved = Code(name: "notProved")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?
    package let hint: String?

    package var category: DiagnosticCategory { code == .upstream ? .usage : .failed }

    init(_ code: Code, _ message: String, cause: (any Error)? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
    }
}
