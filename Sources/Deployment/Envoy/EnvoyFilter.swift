// SPDX-License-Identifier: Apache-2.0

package import OCI
package import SystemPackage

/// A filter as Envoy is to run it.
package struct EnvoyFilter: Hashable, Sendable {
    package typealias FailurePolicy = EnvoyPlugin.FailurePolicy

    /// The deployment's name, unique in one Envoy.
    package let id: String
    /// Which of the module's roots to run; empty for the only one.
    package var rootID: String
    /// The module's file, as Envoy sees it.
    ///
    /// Envoy does not read a file of the same name again: name it by its content.
    package var modulePath: FilePath
    /// The filter's configuration, byte for byte; nil for none.
    package var configuration: String?
    /// Which image the module is from.
    package var image: Reference?
    /// The manifest's digest.
    package var digest: Digest
    package var failurePolicy = FailurePolicy.reload

    /// Describes a filter.
    /// - Parameters:
    ///   - id: letters, digits, `.`, `_` and `-`, at most 63.
    ///   - rootID: which of the module's roots to run.
    ///   - modulePath: an absolute path.
    ///   - configuration: the JSON text for the filter.
    ///   - image: which image the module is from.
    ///   - digest: the manifest's digest.
    /// - Throws: `DeploymentError` if Envoy could not take these.
    package init(
        id: String, rootID: String = "", modulePath: FilePath, configuration: String? = nil,
        image: Reference? = nil, digest: Digest
    ) throws {
        let isValid = id.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains(byte)
        }
        guard isValid, (1...63).contains(id.utf8.count) else {
            throw DeploymentError(
                .invalid, "\"\(id)\" cannot be the id of a deployment",
                hint: "use letters, digits, '.', '_' and '-', at most 63 of them")
        }
        guard modulePath.isAbsolute else {
            throw DeploymentError(
                .invalid, "the module's path \"\(modulePath)\" is not absolute",
                hint: "envoy may run in another folder; give the whole path")
        }
        self.id = id
        self.rootID = rootID
        self.modulePath = modulePath
        self.configuration = configuration
        self.image = image
        self.digest = digest
    }

    /// The file name for a module: named by its content, as Envoy needs it.
    package static func moduleName(_ module: some Sequence<UInt8>) -> String {
        "\(Digest(of: module).hex).wasm"
    }

    /// By which name our filters are found again.
    package var name: String { "wasme.\(id)" }

    /// What Envoy is told of the module.
    package var plugin: EnvoyPlugin {
        var plugin = EnvoyPlugin(name: name, modulePath: modulePath)
        plugin.rootID = rootID
        plugin.failurePolicy = failurePolicy
        plugin.configuration = configuration
        return plugin
    }

    /// The item for `http_filters`.
    package var httpFilter: ConfigValue { ["name": .string(name), "typed_config": plugin.typedConfig] }

    /// Which image it is from, for people.
    var imageDescription: String {
        guard let image else { return "image \(digest)" }
        return image.digest == nil ? "image \(image)@\(digest)" : "image \(image)"
    }
}
