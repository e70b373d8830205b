// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI
internal import ProxyWasm

/// What a module has kept though nothing is there any more that it could belong to.
public struct LeakError: Error, CustomStringConvertible {
    /// One line for each kind of thing.
    public let leaks: [String]

    /// All lines.
    public var description: String { leaks.joined(separator: "; ") }
}

extension HostEmulator {
    /// How many buffers the module has allocated or taken over and not freed yet: those that filters, plugins and
    /// waiting closures hold, and those that a test holds which ran inside a callback.
    public var heldBuffers: Int {
        proxy_wasm_ledger_count(host.pointee.ledger)
    }

    /// What the module keeps for exchanges, connections and plugins that have ended; buffers, once all have ended.
    public var leaks: [String] {
        var leaks: [String] = []
        let kept = module.contextCount
        if kept > contexts.count {
            leaks.append("the module keeps \(kept - contexts.count) contexts that have ended")
        }
        let calls = pendingCalls.count + grpcCalls.count
        if module.callCount > calls {
            leaks.append("\(module.callCount - calls) closures wait for answers that cannot come")
        }
        if contexts.isEmpty, heldBuffers > 0 {
            leaks.append("\(heldBuffers) buffers are not freed")
        }
        return leaks
    }

    /// Throws if the module keeps something for what has ended; see ``leaks``.
    public func assertNoLeaks() throws(LeakError) {
        let leaks = leaks
        guard leaks.isEmpty else { throw LeakError(leaks: leaks) }
    }
}
