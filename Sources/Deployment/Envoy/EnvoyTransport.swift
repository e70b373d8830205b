// SPDX-License-Identifier: Apache-2.0

/// How what stands in the places of a slot gets to the Envoys that have it: files now; a discovery server for fleets fits here.
///
/// A transport only moves resources. Whether Envoys took them is what their admin interfaces say.
package protocol EnvoyTransport: Sendable {
    /// Where it delivers to, for people, as in a folder.
    var name: String { get }
    /// Makes a module reachable for the Envoys, under a name that no other content ever has.
    /// - Returns: how Envoy is told of it.
    func offer(_ module: [UInt8]) throws -> EnvoyPlugin.Code
    /// What a place has been given last, byte for byte; nil if it is not there.
    func resource(at place: EnvoySlot) throws -> [UInt8]?
    /// Gives a place something else, in one step.
    func deliver(_ resource: [UInt8], to place: EnvoySlot) throws
    /// Takes modules away that no place needs any longer.
    func withdraw(_ modules: [EnvoyPlugin.Code]) throws
}
