// SPDX-License-Identifier: Apache-2.0

/// An error that tells a person what failed, on which thing, why, and what to do next.
///
/// Each library has one such struct with an open `Code` of its own. Text is lower-case, has no full stop, quotes
/// values and holds no secret. The command line renders it in one place, as `error:`, `cause:` and `help:` lines.
package protocol Diagnostic: Error, CustomStringConvertible {
    /// What failed, on which thing, and why if that is known: one line.
    var message: String { get }
    /// The error below this one, if there is one.
    var cause: (any Error)? { get }
    /// What to do next: one line.
    var hint: String? { get }
    /// What the caller can conclude, independent of the library: the exit status follows from it.
    var category: DiagnosticCategory { get }
}

extension Diagnostic {
    package var cause: (any Error)? { nil }
    package var hint: String? { nil }
    package var category: DiagnosticCategory { .failed }

    /// The message with its chain of causes, in one line.
    package var description: String {
        guard let cause else { return message }
        return "\(message): \(cause)"
    }
}

/// What kind of trouble an error is; names follow `sysexits.h` where it has one.
package enum DiagnosticCategory: Int32, Sendable, CaseIterable {
    /// The operation was tried and failed.
    case failed = 1
    /// The input was not understood: arguments, a reference, a file of the user's.
    case usage = 64
    /// A host that is needed does not answer.
    case unreachable = 69
    /// A host answered that this is not allowed.
    case denied = 77
    /// The user stopped it.
    case interrupted = 130
}

/// A failed system call on a named thing, as text a person can act on.
package struct SystemError: Diagnostic, Equatable {
    /// The `errno` value.
    package let errno: Int32
    package let message: String
    package let hint: String?

    /// Describes a failed call.
    /// - Parameters:
    ///   - action: what was tried, as in "write".
    ///   - subject: the file or folder it was tried on.
    ///   - errno: the value that the call left.
    package init(_ action: String, _ subject: String, errno: Int32) {
        self.errno = errno
        self.message = "cannot \(action) \"\(subject)\": \(systemMessage(errno))"
        self.hint = systemHint(errno)
    }
}
