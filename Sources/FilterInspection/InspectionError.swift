// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Why an image or a module cannot be looked into.
package struct InspectionError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        private let name: String

        private init(_ name: String) { self.name = name }

        /// A part of the image is damaged or missing.
        package static let damaged = Code("damaged")
        /// The image holds no module.
        package static let noModule = Code("noModule")
    }

    package let code: Code
    package let message: String
    package let hint: String?

    init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}
