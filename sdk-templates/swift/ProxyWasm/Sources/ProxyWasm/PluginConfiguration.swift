// SPDX-License-Identifier: Apache-2.0

#if arch(wasm32)
    public import CProxyWasmABI
#endif

/// What the proxy's configuration says to a plugin; read it while the plugin is made.
public struct PluginConfiguration: Sendable {
    private enum Source: Sendable {
        /// The host has it, of this size, until the plugin is made.
        case host(size: Int)
        case given(Bytes)
    }

    /// The plugin that is being configured, as the proxy knows it.
    public let context: PluginContext

    /// The root id under which the plugin was configured; may be empty.
    public let rootID: Bytes

    private let source: Source
    @usableFromInline let sharedBytes: Bytes

    init(_ root: UInt32, _ size: Int, _ vmBytes: Bytes, _ rootID: Bytes) {
        context = PluginContext(id: root)
        source = .host(size: size)
        sharedBytes = vmBytes
        self.rootID = rootID
    }

    /// Puts a configuration together, for a test that makes a plugin by hand.
    public init(bytes: Bytes, vmBytes: Bytes = "", rootID: Bytes = "") {
        context = PluginContext(id: 0)
        source = .given(bytes)
        sharedBytes = vmBytes
        self.rootID = rootID
    }

    /// The plugin's own configuration; may be empty.
    public var bytes: Bytes {
        get throws(ConfigurationError) {
            switch source {
            case .given(let bytes): return bytes
            case .host(let size):
                do throws(HostError) {
                    return try BufferKind.pluginConfiguration.bytes(from: 0, count: size)
                } catch {
                    throw ConfigurationError(error.message)
                }
            }
        }
    }

    /// The configuration that all plugins of the module's VM share; may be empty.
    @_alwaysEmitIntoClient
    public var vmBytes: Bytes {
        #if arch(wasm32)
            proxy_wasm_export_on_vm_start()
        #endif
        return sharedBytes
    }

    /// The configuration read as JSON; an empty one counts as an empty object.
    public func json() throws(ConfigurationError) -> JSON {
        let bytes = try bytes
        return try JSON(bytes.isEmpty ? "{}" : bytes)
    }
}
