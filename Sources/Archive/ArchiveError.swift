// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What can go wrong while writing or reading an archive.
package struct ArchiveError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        let name: String
        /// The archive could not be written.
        package static let writing = Code(name: "writing")
        /// The bytes are not a tar or a gzip stream, or end too early.
        package static let damaged = Code(name: "damaged")
        /// The archive unpacks to more than is allowed.
        package static let tooLarge = Code(name: "tooLarge")
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

/// libarchive's AE_IFREG, a macro with a cast, which Swift does not import.
let regularFile: UInt32 = 0o100000
