// SPDX-License-Identifier: Apache-2.0

package import Diagnostics

/// A command line that cannot be carried out.
package struct CommandError: Diagnostic {
    package let category: DiagnosticCategory
    package let message: String
    package let cause: (any Error)?
    package let hint: String?

    init(
        _ category: DiagnosticCategory, _ message: String, cause: (any Error)? = nil, hint: String? = nil
    ) {
        self.category = category
        self.message = message
        self.cause = cause
        self.hint = hint
    }
}
