// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What can be wrong with a filter image.
package struct FilterImageError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        let name: String
        /// The image holds no module.
        package static let notAFilter = Code(name: "notAFilter")
        /// A part of the image cannot be read.
        package static let damaged = Code(name: "damaged")
        /// A picture that is not fit to be shown.
        package static let unusableIcon = Code(name: "unusableIcon")
        /// What is no project template, or one that may not be written to a disk.
        package static let unusableTemplate = Code(name: "unusableTemplate")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?
    package let hint: String?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
    }
}
