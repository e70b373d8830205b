// SPDX-License-Identifier: Apache-2.0

package import Diagnostics
private import OCIRegistry

/// What can go wrong between us and an Envoy.
package struct EnvoyError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        let name: String
        /// There is no Envoy on this machine.
        package static let notFound = Code(name: "notFound")
        /// The binary does not run, or is not an Envoy.
        package static let unusable = Code(name: "unusable")
        /// Envoy read the configuration or the module and refused it.
        package static let rejected = Code(name: "rejected")
        /// Envoy ended although nobody asked it to.
        package static let ended = Code(name: "ended")
        /// Envoy did not get as far as it should in the time it was given.
        package static let timedOut = Code(name: "timedOut")
        /// The admin interface does not answer, or not as expected.
        package static let admin = Code(name: "admin")
        /// An index of packages has no such Envoy, or sends what it did not promise.
        package static let index = Code(name: "index")
        /// Nobody answers where Envoys are fetched from.
        package static let unreachable = Code(name: "unreachable")
        /// A text is not an address.
        package static let address = Code(name: "address")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?
    package let hint: String?
    /// Everything Envoy said about it, one reason per element, without time stamps and other noise.
    package let reasons: [String]

    package var category: DiagnosticCategory {
        switch code {
        case .address: .usage
        case .admin, .unreachable: .unreachable
        default: .failed
        }
    }

    init(
        _ code: Code, _ message: String, cause: (any Error)? = nil, hint: String? = nil,
        reasons: [String] = []
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
        self.reasons = reasons
    }
}

extension EnvoyError {
    /// Whether there is nobody at the address, as while an Envoy is started again.
    package var refusesConnections: Bool {
        (cause as? HTTPTransportError)?.code == .connectionRefused
    }
}
