// SPDX-License-Identifier: Apache-2.0

#if arch(wasm32)
    public import CProxyWasmABI
#endif

/// What the proxy's configuration says to a plugin; read it while the plugin is made.
public struct PluginConfiguration: Sendable {
    // One word, as it is handed on and rarely looked into.
    private final class Contents: Sendable {
        let root: UInt32
        let rootID: Bytes
        let sharedBytes: Bytes
        /// Nil while the host has them, until the plugin is made.
        let bytes: Bytes?
        let size: Int

        init(_ root: UInt32, _ rootID: Bytes, _ sharedBytes: Bytes, _ bytes: Bytes?, _ size: Int) {
            self.root = root
            self.rootID = rootID
            self.sharedBytes = sharedBytes
            self.bytes = bytes
            self.size = size
        }
    }

    private let contents: Contents

    /// The plugin that is being configured, as the proxy knows it.
    public var context: PluginContext { PluginContext(id: contents.root) }

    /// The root id under which the plugin was configured; may be empty.
    public var rootID: Bytes { contents.rootID }

    @usableFromInline var sharedBytes: Bytes { contents.sharedBytes }

    init(_ root: UInt32, _ size: Int, _ vmBytes: Bytes, _ rootID: Bytes) {
        contents = Contents(root, rootID, vmBytes, nil, size)
    }

    /// Puts a configuration together, for a test that makes a plugin by hand.
    public init(bytes: Bytes, vmBytes: Bytes = "", rootID: Bytes = "") {
        contents = Contents(0, rootID, vmBytes, bytes, bytes.count)
    }

    /// The plugin's own configuration; may be empty.
    public var bytes: Bytes {
        get throws(ConfigurationError) {
            if let bytes = contents.bytes { return bytes }
            do throws(HostError) {
                return try BufferKind.pluginConfiguration.bytes(from: 0, count: contents.size)
            } catch {
                throw ConfigurationError(error.message)
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
