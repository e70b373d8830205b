// SPDX-License-Identifier: Apache-2.0

package import Diagnostics

/// Why no profile can be named, or why the profiles themselves are broken.
package struct HostProfilesError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        private let name: String

        private init(_ name: String) { self.name = name }

        /// The text names no host, or no version.
        package static let notATarget = Code("notATarget")
        /// A host of which nothing is known.
        package static let unknownHost = Code("unknownHost")
        /// A version that is older than everything that is known.
        package static let unknownVersion = Code("unknownVersion")
        /// The profiles' own data cannot be read.
        package static let brokenData = Code("brokenData")
    }

    package let code: Code
    package let message: String
    package let hint: String?
    package let category: DiagnosticCategory

    init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        category = code == .brokenData ? .failed : .usage
    }
}
