// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import OCI
package import SystemPackage
import Yams

/// What the file of a place says: a discovery response with one resource.
package struct SlotResource: Hashable, Sendable {
    /// What stands there.
    package enum Content: Hashable, Sendable {
        /// The filter that does nothing.
        case nothing
        /// A plugin by its name in Envoy, which is the deployment's id.
        case plugin(String)
        /// Something that no deployment of ours is, by its type.
        case other(String)
    }

    /// A name for this content, as Envoy shows it.
    package let version: String?
    /// The resource's name.
    package let name: String?
    package let kind: EnvoyPlugin.Kind?
    package let content: Content
    /// The module's file as Envoy sees it.
    package let modulePath: FilePath?
    /// The SHA-256 of a module that is in the file itself, in hexadecimal digits.
    package let inlineModule: String?

    /// Reads a resource, YAML or JSON.
    /// - Throws: `DeploymentError` with the line if it is neither.
    package init(parsing bytes: [UInt8], of file: FilePath) throws {
        let tree = try Self.tree(bytes, of: file)
        version = tree["version_info"]?.text
        var resource: BootstrapTree?
        if let items = tree["resources"]?.items, items.count == 1 { resource = items[0] }
        name = resource?["name"]?.text
        let typed = resource?["typed_config"]
        let type = typed?["@type"]?.text ?? ""
        kind = EnvoyPlugin.Kind.allCases.first { type.contains(".filters.\($0.rawValue).") }
        if type.hasSuffix(".rbac.v3.RBAC"), typed?["rules"] == nil, typed?["matcher"] == nil,
            typed?["shadow_rules"] == nil, typed?["shadow_matcher"] == nil
        {
            content = .nothing
        } else if type.hasSuffix(".wasm.v3.Wasm"), let plugin = typed?["config"]?["name"]?.text {
            content = .plugin(plugin)
        } else {
            content = .other(type)
        }
        let code = typed?["config"]?["vm_config"]?["code"]?["local"]
        modulePath = code?["filename"]?.text.map { FilePath($0) }
        inlineModule = code?["inline_bytes"]?.text.flatMap { Data(base64Encoded: $0) }.map {
            Digest(of: $0).hex
        }
    }

    /// What Envoy is told of the filter, without what is only there to make it look again.
    static func configuration(_ bytes: [UInt8], of file: FilePath) throws -> BootstrapTree? {
        try tree(bytes, of: file)["resources"]?.items?.first?["typed_config"]?.withoutRetry
    }

    private static func tree(_ bytes: [UInt8], of file: FilePath) throws -> BootstrapTree {
        func unreadable(_ what: String) -> DeploymentError {
            DeploymentError(
                .unreadable, "\"\(file)\" is no resource that Envoy could read: \(what)",
                hint: "compare it with what 'wasme deploy envoy --prepare' writes")
        }
        do {
            var budget = 1_000_000
            guard let node = try compose(yaml: String(decoding: bytes, as: UTF8.self)),
                let tree = BootstrapTree(node, budget: &budget)
            else { throw unreadable("it is empty") }
            return tree
        } catch let error as YamlError {
            throw unreadable("\(error)".split(whereSeparator: \.isNewline).first.map(String.init) ?? "")
        }
    }
}

extension BootstrapTree {
    /// Without the field that `EnvoyPlugin.retry` sets.
    var withoutRetry: BootstrapTree {
        guard let fields else { return self }
        return BootstrapTree(
            .map(
                fields.map { field in
                    guard field.key.text == "config", let inner = field.value.fields else { return field }
                    return Field(
                        key: field.key,
                        value: BootstrapTree(.map(inner.filter { $0.key.text != "reload_config" })))
                }))
    }
}
