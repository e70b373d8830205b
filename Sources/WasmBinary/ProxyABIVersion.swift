// SPDX-License-Identifier: Apache-2.0

/// The version of the Proxy-Wasm ABI that a module says it was written for.
///
/// A module says so by exporting a function `proxy_abi_version_<version>` (proxy-wasm spec, "Integration").
package struct ProxyABIVersion: Hashable, Sendable, CustomStringConvertible {
    /// The version as in "0.2.1".
    package let description: String

    /// Names a version, as in "0.2.1".
    package init(_ description: String) {
        self.description = description
    }

    /// Reads the version out of an export's name.
    init?(exportName: String) {
        let prefix = "proxy_abi_version_"
        guard exportName.hasPrefix(prefix) else { return nil }
        self.init(String(exportName.dropFirst(prefix.count).map { $0 == "_" ? "." : $0 }))
    }

    /// The name of the function that a module of this version exports.
    package var exportName: String {
        "proxy_abi_version_" + String(description.map { $0 == "." ? "_" : $0 })
    }

    package static let v0_1_0 = ProxyABIVersion("0.1.0")
    package static let v0_2_0 = ProxyABIVersion("0.2.0")
    package static let v0_2_1 = ProxyABIVersion("0.2.1")

    /// The versions that hosts are known to load; host profiles narrow this per host.
    package static let published: [ProxyABIVersion] = [.v0_1_0, .v0_2_0, .v0_2_1]
}
