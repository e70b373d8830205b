// SPDX-License-Identifier: Apache-2.0

package import Diagnostics

/// What can go wrong between us and a cluster.
package struct KubernetesError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        let name: String
        /// There is no kubectl on this machine, or it does not run.
        package static let noKubectl = Code(name: "noKubectl")
        /// kubectl's own configuration names no cluster, or one that it does not describe.
        package static let configuration = Code(name: "configuration")
        /// The API server does not answer.
        package static let unreachable = Code(name: "unreachable")
        /// The API server answered, and then no longer: what was asked for last may have been done.
        package static let lost = Code(name: "lost")
        /// Who asks may not do that.
        package static let denied = Code(name: "denied")
        /// The API server does not know who asks.
        package static let unauthorized = Code(name: "unauthorized")
        /// The object is not there.
        package static let notFound = Code(name: "notFound")
        /// The namespace is not there.
        package static let noNamespace = Code(name: "noNamespace")
        /// The namespace is being deleted.
        package static let terminating = Code(name: "terminating")
        /// The cluster has no such kind of object, or has it in other versions.
        package static let noKind = Code(name: "noKind")
        /// Fields of the object belong to somebody else.
        package static let conflict = Code(name: "conflict")
        /// The object itself belongs to somebody else.
        package static let foreign = Code(name: "foreign")
        /// The API server, or one of its webhooks, refuses the object as it is.
        package static let invalid = Code(name: "invalid")
        /// The object is larger than the API server takes.
        package static let tooLarge = Code(name: "tooLarge")
        /// There is no earlier state to go back to.
        package static let noHistory = Code(name: "noHistory")
        /// The registry's credentials are missing, or do not do.
        package static let pullSecret = Code(name: "pullSecret")
        /// The pod's proxy cannot be asked.
        package static let proxy = Code(name: "proxy")
        /// git cannot do what is asked.
        package static let git = Code(name: "git")
        /// Anything else that kubectl says.
        package static let failed = Code(name: "failed")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?
    package let hint: String?
    /// What was changed before it failed, and was not taken back.
    package var changes: [ObjectChange] = []

    package var category: DiagnosticCategory {
        switch code {
        case .unreachable, .lost: .unreachable
        case .denied, .unauthorized: .denied
        case .configuration: .usage
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
