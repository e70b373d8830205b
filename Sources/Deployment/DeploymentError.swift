// SPDX-License-Identifier: Apache-2.0

package import Diagnostics

/// What can go wrong on the way of a filter to its host.
package struct DeploymentError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        let name: String
        /// A part of the request cannot be expressed for the target.
        package static let invalid = Code(name: "invalid")
        /// The host's configuration cannot be read.
        package static let unreadable = Code(name: "unreadable")
        /// The host's configuration is for a version that cannot run the filter.
        package static let outdated = Code(name: "outdated")
        /// The host's configuration has no place for the filter.
        package static let noPlace = Code(name: "noPlace")
        /// The host's configuration is written in a way that cannot be changed without risk.
        package static let layout = Code(name: "layout")
        /// There is no slot, or it is not one that can be used.
        package static let noSlot = Code(name: "noSlot")
        /// Another command is changing the same slot.
        package static let busy = Code(name: "busy")
        /// No deployment or no revision has this name.
        package static let unknown = Code(name: "unknown")
        /// A place holds what somebody else has put there.
        package static let foreign = Code(name: "foreign")
        /// A host does not answer, or cannot run filters; nothing was changed.
        package static let unreachable = Code(name: "unreachable")
        /// A host has refused what it was given.
        package static let rejected = Code(name: "rejected")
        /// Nothing shows that a host runs what it was given, or something shows that it does not.
        package static let notProved = Code(name: "notProved")
        /// The files of a slot are damaged.
        package static let damaged = Code(name: "damaged")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?
    package let hint: String?

    package var category: DiagnosticCategory {
        switch code {
        case .invalid, .unreadable, .outdated, .noPlace, .noSlot, .unknown: .usage
        case .unreachable: .unreachable
        default: .failed
        }
    }

    init(_ code: Code, _ message: String, cause: (any Error)? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
    }
}
