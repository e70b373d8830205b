// SPDX-License-Identifier: Apache-2.0

/// A filter as it is configured: made once for each configuration, alive for as long as that is in use.
///
/// Several plugins, and several configurations of one, may live in one module at the same time.
public protocol Plugin: AnyObject {
    /// The name that selects this plugin among those of a module: `root_id` in the configuration of Envoy.
    static var rootID: Bytes { get }

    /// Reads the configuration. What this throws is logged, and the proxy refuses the configuration.
    init(configuration: PluginConfiguration) throws(ConfigurationError)
}

/// A plugin that looks at HTTP exchanges.
public protocol HTTPPlugin: Plugin {
    /// Makes the filter for an exchange that begins.
    func makeFilter(for stream: HTTPStream) -> any HTTPFilter
}

/// What the proxy's configuration says to a plugin.
public struct PluginConfiguration: Sendable {
    /// The root id under which the plugin was configured; may be empty.
    public let rootID: Bytes

    /// The plugin's own configuration; may be empty.
    public let bytes: Bytes

    /// The configuration that all plugins of the module's VM share; may be empty.
    public let vmBytes: Bytes

    /// Puts a configuration together.
    public init(bytes: Bytes, vmBytes: Bytes = "", rootID: Bytes = "") {
        self.rootID = rootID
        self.bytes = bytes
        self.vmBytes = vmBytes
    }

    /// The configuration read as JSON; an empty one counts as an empty object.
    public func json() throws(ConfigurationError) -> JSON {
        try JSON(bytes.isEmpty ? "{}" : bytes)
    }
}

/// Why a configuration cannot be used.
public struct ConfigurationError: Error, Hashable, Sendable {
    /// One line for whoever wrote the configuration: what is wrong and where.
    public let message: Bytes

    /// Describes what is wrong.
    public init(_ message: Bytes) {
        self.message = message
    }
}

extension ConfigurationError: CustomStringConvertible {
    /// The message as a string.
    public var description: String { message.lossyString }
}
