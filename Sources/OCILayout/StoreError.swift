// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What can go wrong in the local store.
package struct StoreError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        let name: String
        /// The reference names nothing here.
        package static let unknownImage = Code(name: "unknownImage")
        /// The beginning of a digest fits several images, or a layout holds several and none was named.
        package static let ambiguous = Code(name: "ambiguous")
        /// An image is known by more names than the one it was to be removed by.
        package static let severalNames = Code(name: "severalNames")
        /// A blob that a manifest names is not here.
        package static let blobMissing = Code(name: "blobMissing")
        /// Stored bytes are not what they were.
        package static let corrupt = Code(name: "corrupt")
        /// The folder holds something else.
        package static let notAStore = Code(name: "notAStore")
        /// The layout was opened for reading.
        package static let readOnly = Code(name: "readOnly")
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
