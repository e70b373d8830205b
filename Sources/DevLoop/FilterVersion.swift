// SPDX-License-Identifier: Apache-2.0

package import Deployment
package import OCI
import SystemPackage

/// A module with its configuration, as it is to be tried.
package struct FilterVersion: Hashable, Sendable {
    /// What the filter is called, also in Envoy's log and statistics.
    package let name: String
    package let kind: EnvoyPlugin.Kind
    /// Which of the module's roots to run; empty for the only one.
    package let rootID: String
    package let module: [UInt8]
    package let configuration: String?
    /// Of the module.
    package let digest: Digest

    package init(
        name: String, kind: EnvoyPlugin.Kind, rootID: String, module: [UInt8], configuration: String?
    ) {
        self.name = name
        self.kind = kind
        self.rootID = rootID
        self.module = module
        self.configuration = configuration
        digest = Digest(of: module)
    }

    func plugin(at path: FilePath) -> EnvoyPlugin {
        var plugin = EnvoyPlugin(name: name, kind: kind, modulePath: path)
        plugin.rootID = rootID
        plugin.configuration = configuration
        return plugin
    }
}

/// How much a filter logs (`proxy_log_level_t` of Proxy-Wasm), as Envoy's logger `wasm` has it.
package enum FilterLogLevel: String, Hashable, Sendable, CaseIterable {
    /// Also shows what Envoy's engine does, at length.
    case trace
    case debug
    case info
    case warning
    case error
    case critical
    case off

    /// The one that a key leads to: from the most to the least that people look at, and around.
    package var next: FilterLogLevel {
        switch self {
        case .info: .debug
        case .debug: .trace
        case .trace: .warning
        case .warning: .error
        case .error, .critical, .off: .info
        }
    }
}
