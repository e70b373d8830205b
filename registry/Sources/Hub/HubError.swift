// SPDX-License-Identifier: Apache-2.0

package import Diagnostics

/// Why the hub did not do what it was asked.
///
/// The message and the hint may be shown to a client; the cause is for the operator's log only.
package struct HubError: Diagnostic {
    /// What went wrong: the word that a client sees, and what sets two uses of one word apart.
    package struct Code: Hashable, Sendable {
        /// The error code of distribution-spec 1.1, "Error Codes", or one of our own where it has none.
        package let word: String
        private let kind: String

        package init(_ word: String, kind: String = "") {
            self.word = word
            self.kind = kind
        }
    }

    package let code: Code
    package let message: String
    package let detail: String?
    package let cause: (any Error)?
    package let hint: String?
    package let category: DiagnosticCategory

    package init(
        _ code: Code, _ message: String, detail: String? = nil, cause: (any Error)? = nil,
        hint: String? = nil,
        category: DiagnosticCategory = .failed
    ) {
        self.code = code
        self.message = message
        self.detail = detail
        self.cause = cause
        self.hint = hint
        self.category = category
    }
}

extension HubError.Code {
    package static let nameInvalid = Self("NAME_INVALID")
    package static let nameUnknown = Self("NAME_UNKNOWN")
    package static let digestInvalid = Self("DIGEST_INVALID")
    package static let blobUnknown = Self("BLOB_UNKNOWN")
    package static let uploadUnknown = Self("BLOB_UPLOAD_UNKNOWN")
    /// The request does not fit the upload at all.
    package static let uploadInvalid = Self("BLOB_UPLOAD_INVALID")
    /// The chunk does not begin where the upload stands, or is not as long as it said.
    package static let uploadOutOfOrder = Self("BLOB_UPLOAD_INVALID", kind: "out of order")
    /// Another request is writing to the same upload.
    package static let uploadBusy = Self("BLOB_UPLOAD_INVALID", kind: "busy")
    /// The client went away, or sent fewer bytes than it announced.
    package static let bodyCutShort = Self("BLOB_UPLOAD_INVALID", kind: "cut short")
    /// The client stopped in the middle of its request.
    package static let bodyTimedOut = Self("BLOB_UPLOAD_INVALID", kind: "timed out")
    /// More is asked of the hub at this moment than it takes.
    package static let overloaded = Self("TOOMANYREQUESTS", kind: "overloaded")
    package static let sizeInvalid = Self("SIZE_INVALID")
    package static let blobTooLarge = Self("SIZE_INVALID", kind: "too large")
    package static let manifestInvalid = Self("MANIFEST_INVALID")
    package static let manifestTooLarge = Self("MANIFEST_INVALID", kind: "too large")
    package static let manifestUnknown = Self("MANIFEST_UNKNOWN")
    /// The manifest names content that the repository does not hold.
    package static let manifestBlobUnknown = Self("MANIFEST_BLOB_UNKNOWN")
    package static let tagInvalid = Self("MANIFEST_INVALID", kind: "tag")
    /// A manifest still needs it.
    package static let inUse = Self("UNSUPPORTED", kind: "in use")
    /// The tag names something else than the client expected.
    package static let preconditionFailed = Self("DENIED", kind: "precondition")
    package static let unsupported = Self("UNSUPPORTED")
    /// The page parameters of a list are not numbers in range.
    package static let pageInvalid = Self("PAGINATION_NUMBER_INVALID")
    /// No space is left for the bytes.
    package static let storageFull = Self("INSUFFICIENT_STORAGE")
    /// What was stored cannot be read back.
    package static let storageFailed = Self("UNKNOWN", kind: "storage")
    /// The data folder cannot be used.
    package static let dataFolder = Self("UNKNOWN", kind: "data folder")
    /// Another process uses the data folder.
    package static let folderInUse = Self("UNKNOWN", kind: "folder in use")
    /// The address to listen on cannot be used.
    package static let listen = Self("UNKNOWN", kind: "listen")
}
