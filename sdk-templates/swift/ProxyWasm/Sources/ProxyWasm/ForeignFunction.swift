// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// A call by which the host reaches the module by an extension of its own, to be read in the callback.
public struct ForeignCall: Sendable {
    /// Which function is meant; the numbers are the host's.
    public let function: UInt32
    let size: Int

    /// What the host has handed over.
    public var arguments: Bytes {
        get throws(HostError) { try BufferKind.foreignFunctionArguments.bytes(from: 0, count: size) }
    }
}

extension ProxyContext {
    /// Calls an extension of the host; it acts for this context.
    ///
    /// - Throws: `HostError` with ``HostError/Status/notFound`` if the host has no such function.
    @discardableResult
    public func callForeignFunction(_ name: Bytes, _ arguments: Bytes = "") throws(HostError) -> Bytes {
        try module.activate(id)
        return try Host.foreignFunction(name, arguments)
    }
}

extension Host {
    static func foreignFunction(_ name: Bytes, _ arguments: Bytes) throws(HostError) -> Bytes {
        try bytes("call foreign function \"\(name)\"") { pointer, size in
            name.withUnsafeBytes { name in
                arguments.withUnsafeBytes { arguments in
                    proxy_call_foreign_function(
                        name.baseAddress, name.count, arguments.baseAddress, arguments.count, pointer, size)
                }
            }
        }
    }
}
