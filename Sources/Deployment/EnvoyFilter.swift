// SPDX-License-Identifier: Apache-2.0

package import OCI
package import SystemPackage

/// A filter as Envoy is to run it.
package struct EnvoyFilter: Hashable, Sendable {
    /// What Envoy does when the module traps (`FailurePolicy` in `envoy/extensions/wasm/v3/wasm.proto`).
    package enum FailurePolicy: String, Hashable, Sendable, CaseIterable {
        /// Answer 503 and start the module again: heals itself and is counted.
        case reload = "FAIL_RELOAD"
        /// Answer 503 from then on.
        case closed = "FAIL_CLOSED"
        /// Serve without the filter from then on.
        case open = "FAIL_OPEN"
    }

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

    /// The item for `http_filters`.
    package var httpFilter: ConfigValue {
        var plugin: [ConfigValue.Field] = [.init(key: "name", value: .string(name))]
        if !rootID.isEmpty { plugin.append(.init(key: "root_id", value: .string(rootID))) }
        plugin += [
            .init(key: "failure_policy", value: .string(failurePolicy.rawValue)),
            .init(
                key: "vm_config",
                value: [
                    // The only engine that Envoy's own builds have; leaving it out would try others first.
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": ["local": ["filename": .string(modulePath.string)]],
                ]),
        ]
        if let configuration {
            plugin.append(
                .init(
                    key: "configuration",
                    value: [
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        "value": .string(configuration),
                    ]))
        }
        return [
            "name": .string(name),
            "typed_config": [
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": .map(plugin),
            ],
        ]
    }

    /// The item as lines of YAML, with the image for people to read.
    var yamlItem: [String] {
        var lines = ConfigValue.list([httpFilter]).yamlLines
        lines.insert("  # \(imageDescription)", at: 1)
        return lines
    }

    private var imageDescription: String {
        guard let image else { return "image \(digest)" }
        return image.digest == nil ? "image \(image)@\(digest)" : "image \(image)"
    }
}
