// SPDX-License-Identifier: Apache-2.0

package import Diagnostics

/// A text that is no YAML, or says in YAML what JSON does not have.
package struct YAMLError: Diagnostic {
    /// Begins with file, line and column where they are known.
    package let message: String
    package let cause: (any Error)?
    package var category: DiagnosticCategory { .usage }

    init(_ message: String, cause: (any Error)? = nil) {
        self.message = message
        self.cause = cause
    }
}
