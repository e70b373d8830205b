// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
package import SystemPackage

/// Envoys that stand alone, and how a change goes through them.
package struct EnvoyFleet: Hashable, Sendable {
    /// A slot and the Envoys that read it.
    package struct Member: Hashable, Sendable {
        /// The slot's folder, or the one file of a slot that others have made.
        package var slot: FilePath
        /// The admin interfaces of the Envoys that read it; without one nothing is proved.
        package var admins: [HostPort]

        package init(slot: FilePath, admins: [HostPort]) {
            self.slot = slot
            self.admins = admins
        }
    }

    /// In which order the members get a change.
    package enum Order: String, Hashable, Sendable, CaseIterable {
        /// The next one when the one before is proved.
        case sequential
        case parallel
    }

    package var members: [Member]
    package var order = Order.sequential
    /// Whether all members go back if one of them fails; if not, those that are proved keep the change.
    package var isAtomic = false

    package init(_ members: [Member]) { self.members = members }
}
