// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Foundation
import HubFacts
import JSON
import Testing

/// The objects for hosts whose definitions are not part of their releases as one file: each member of them has to be one
/// that the host's source reads, and of its type.
///
/// Read in the sources, which these schemas are written from: Higress of 2026-04-30 (`WasmPlugin`), Kuma of 2026-08-21
/// (`MeshProxyPatch`), Consul (the Envoy extension `builtin/wasm`, documented since 1.16).
@Suite struct ObjectFieldTests {
    private static let metadata = """
        {"type": "object", "required": ["name", "namespace"], "additionalProperties": false, "properties": {
            "name": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
            "namespace": {"type": "string"}, "labels": {"type": "object", "additionalProperties": {"type": "string"}}}}
        """

    /// Istio's members without what chooses workloads, and Higress's own.
    private static let higress = """
        {"type": "object", "required": ["apiVersion", "kind", "metadata", "spec"], "additionalProperties": false,
        "properties": {"apiVersion": {"const": "extensions.higress.io/v1alpha1"}, "kind": {"const": "WasmPlugin"},
        "metadata": \(metadata),
        "spec": {"type": "object", "required": ["url"], "additionalProperties": false, "properties": {
            "url": {"type": "string", "pattern": "^(oci|http|https|file)://"}, "sha256": {"type": "string"},
            "imagePullPolicy": {"enum": ["UNSPECIFIED_POLICY", "IfNotPresent", "Always"]},
            "imagePullSecret": {"type": "string"}, "verificationKey": {"type": "string"},
            "pluginConfig": {"type": "object"}, "pluginName": {"type": "string", "minLength": 1, "maxLength": 256},
            "phase": {"enum": ["UNSPECIFIED_PHASE", "AUTHN", "AUTHZ", "STATS"]}, "priority": {"type": "integer"},
            "failStrategy": {"enum": ["FAIL_CLOSE", "FAIL_OPEN"]}, "vmConfig": {"type": "object"},
            "defaultConfig": {"type": "object"}, "defaultConfigDisable": {"type": "boolean"},
            "matchRules": {"type": "array"}}}}}
        """

    private static let kuma = """
        {"type": "object", "required": ["apiVersion", "kind", "metadata", "spec"], "additionalProperties": false,
        "properties": {"apiVersion": {"const": "kuma.io/v1alpha1"}, "kind": {"const": "MeshProxyPatch"},
        "metadata": \(metadata),
        "spec": {"type": "object", "required": ["targetRef", "default"], "additionalProperties": false, "properties": {
            "targetRef": {"type": "object", "required": ["kind"], "additionalProperties": false, "properties": {
                "kind": {"enum": ["Mesh", "Dataplane"]},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}}}},
            "default": {"type": "object", "required": ["appendModifications"], "additionalProperties": false,
            "properties": {"appendModifications": {"type": "array", "minItems": 1, "items": {"type": "object",
                "additionalProperties": false, "minProperties": 1, "maxProperties": 1, "properties": {
                "cluster": {"type": "object"}, "httpFilter": {"type": "object", "required": ["operation", "value"],
                    "additionalProperties": false, "properties": {
                    "operation": {"enum": ["Add", "Remove", "Patch", "AddFirst", "AddLast", "AddBefore", "AddAfter"]},
                    "match": {"type": "object", "additionalProperties": false, "properties": {
                        "name": {"type": "string"}, "origin": {"enum": ["inbound", "outbound"]},
                        "listenerName": {"type": "string"}, "listenerTags": {"type": "object"}}},
                    "value": {"type": "string", "minLength": 1}}}}}}}}}}}}
        """

    private static let consul = """
        {"type": "object", "required": ["Kind", "Name", "EnvoyExtensions"], "additionalProperties": false,
        "properties": {"Kind": {"enum": ["service-defaults", "proxy-defaults"]}, "Name": {"type": "string"},
        "Protocol": {"const": "http"}, "EnvoyExtensions": {"type": "array", "minItems": 1, "items": {"type": "object",
        "required": ["Name", "Arguments"], "additionalProperties": false, "properties": {
            "Name": {"const": "builtin/wasm"}, "Required": {"type": "boolean"}, "Arguments": {"type": "object",
            "required": ["PluginConfig"], "additionalProperties": false, "properties": {
                "Protocol": {"const": "http"}, "ListenerType": {"const": "inbound"},
                "ProxyType": {"const": "connect-proxy"},
                "PluginConfig": {"type": "object", "required": ["VmConfig"], "additionalProperties": false,
                "properties": {"Name": {"type": "string"}, "RootID": {"type": "string"},
                    "Configuration": {"type": "string"}, "CapabilityRestrictionConfiguration": {"type": "object"},
                    "VmConfig": {"type": "object", "required": ["Code"], "additionalProperties": false, "properties": {
                        "Runtime": {"enum": ["v8", "wamr", "wavm", "wasmtime"]}, "VmID": {"type": "string"},
                        "EnvironmentVariables": {"type": "object"}, "Code": {"type": "object", "minProperties": 1,
                        "maxProperties": 1, "additionalProperties": false, "properties": {"Remote": {"type": "object"},
                            "Local": {"type": "object", "required": ["Filename"], "additionalProperties": false,
                            "properties": {"Filename": {"type": "string", "pattern": "^/"}}}}}}}}}}}}}}}}
        """

    @Test(arguments: [("higress", higress), ("kuma", kuma), ("consul", consul)])
    func `every member is one that the host reads`(_ id: String, _ schema: String) throws {
        let checked = try ConfigSchema(schema)
        for configuration in SnippetTests.configurations {
            let installation = try SnippetTests.installation(configuration, isEncrypted: true)
            let object = try SnippetTests.loaded(try SnippetTests.snippet(id, of: installation))
            let bytes = Array(try JSONSerialization.data(withJSONObject: object))
            let violations = try checked.validate(try JSONValue(parsing: bytes))
            #expect(violations.isEmpty, "\(violations)")
            // A member that is not read is found.
            var wrong = object
            wrong["pluginName"] = "x"
            let wrongBytes = Array(try JSONSerialization.data(withJSONObject: wrong))
            #expect(try !checked.validate(try JSONValue(parsing: wrongBytes)).isEmpty)
        }
    }
}
