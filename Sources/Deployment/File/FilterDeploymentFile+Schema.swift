// SPDX-License-Identifier: Apache-2.0

package import JSON

extension FilterDeploymentFile {
    /// Every field of the file: the source of the reader's rules and of both schemas.
    static let fields: [FieldSchema] = [
        FieldSchema("apiVersion", .word([apiVersion]), required: true, "The version of this form."),
        FieldSchema("kind", .word([kind]), required: true, "The kind of object."),
        FieldSchema("metadata", .object(metadataFields), required: true, "What the object is called."),
        specification,
        FieldSchema("status", .ignored, "What was seen last; not read."),
    ]

    static let specification = FieldSchema(
        "spec",
        .object([
            FieldSchema("filter", .object(filterFields), required: true, "What to run."),
            FieldSchema(
                "deployment", .object(targetFields, exactlyOne: true), required: true,
                "Where to run it: exactly one target."),
        ]), required: true, "A filter and where it is to run.")

    private static let metadataFields =
        [
            FieldSchema("name", .text, required: true, "The object's name."),
            FieldSchema("namespace", .text, "The object's namespace."),
            FieldSchema("labels", .texts, "Labels, kept as they are."),
            FieldSchema("annotations", .texts, "Annotations, kept as they are."),
        ]
        + [
            "creationTimestamp", "finalizers", "generation", "managedFields", "ownerReferences",
            "resourceVersion", "selfLink", "uid",
        ].map { FieldSchema($0, .ignored, "Written by the API server; not read.") }

    private static let filterFields: [FieldSchema] = [
        FieldSchema(
            "id", .text,
            "The deployment's name in the host (default: the object's name, and its namespace if it has one)."
        ),
        FieldSchema(
            "image", .text, required: true, "The filter's image, as in localhost:5000/acme/add-header:v1."),
        FieldSchema(
            "digest", .text,
            "The digest of the image's manifest; without it, the tag decides when it is deployed."),
        FieldSchema(
            "imagePullOptions",
            .object([
                FieldSchema(
                    "pullSecret", .text,
                    "The secret with the registry's credentials, in the object's namespace."),
                FieldSchema(
                    "insecureSkipVerify", .flag, standard: .bool(false),
                    "Do not verify the registry's certificate."),
                FieldSchema("plainHttp", .flag, standard: .bool(false), "Reach the registry without TLS."),
            ]), "How the image's registry is reached."),
        FieldSchema(
            "type", .words(EnvoyPlugin.Kind.self), standard: .string("http"),
            "In which chain of filters it stands."),
        FieldSchema("rootID", .anyText, "Which of the module's plugins to run (default: the image's first)."),
        FieldSchema("vmID", .anyText, "Plugins with the same id, module and VM configuration share a VM."),
        FieldSchema(
            "config", .anything,
            "The filter's configuration: JSON, or a text that is passed on byte for byte; also a StringValue or Struct with @type."
        ),
        FieldSchema("vmConfig", .anything, "The configuration of the filter's VM, in the same forms."),
        FieldSchema(
            "env",
            .list(
                .object([
                    FieldSchema("name", .text, required: true, "The variable's name."),
                    FieldSchema("value", .anyText, "Its value."),
                    FieldSchema(
                        "valueFrom", .word(["host"]), "host takes the value that the proxy itself has."),
                ]), atLeast: 0), "The variables that the module's environment has."),
        FieldSchema(
            "failurePolicy", .word(["reload", "closed", "open"]),
            "When the module traps: reload answers 503 and starts it again, closed answers 503 from then on, open serves without it."
        ),
        FieldSchema(
            "capabilities", .list(.text, atLeast: 1),
            "The host calls and callbacks that the module may use, and no others."),
        FieldSchema(
            "phase", .words(FilterDeployment.Phase.self), "Where among the host's own filters it runs."),
        FieldSchema(
            "priority", .integer(-2_147_483_648...2_147_483_647),
            "Among filters of one phase: the higher, the earlier."),
        FieldSchema(
            "match",
            .list(
                .object([
                    FieldSchema(
                        "mode", .words(FilterDeployment.TrafficMatch.Mode.self), standard: .string("both"),
                        "Which way the traffic goes, seen from the workload."),
                    FieldSchema("ports", .list(.integer(1...65535), atLeast: 0), "Of these ports alone."),
                ]), atLeast: 0), "Which traffic goes through it (default: all)."),
        FieldSchema(
            "patchContext", .words(PatchContext.self),
            "Which traffic goes through it, in the original's words; not beside match."),
    ]
}

// MARK: - Schemas

extension FilterDeploymentFile {
    /// The JSON schema of a file.
    package static var jsonSchema: JSONValue {
        var schema = JSONObject()
        schema["$schema"] = .string("https://json-schema.org/draft/2020-12/schema")
        schema["title"] = .string("FilterDeployment of wasme.io/v1: a filter and where it is to run")
        let rules = FieldSchema.Value.object(fields).schema(.jsonSchema)
        for (name, rule) in rules.members { schema[name] = rule }
        return .object(schema)
    }

    /// The definition of the custom resource, as YAML.
    package static var resourceDefinition: String {
        let status = FieldSchema(
            "status",
            .object([
                FieldSchema(
                    "observedGeneration", .integer(0...9_007_199_254_740_991),
                    "The generation that this is about."),
                FieldSchema("reason", .text, "Why it is so."),
                FieldSchema("digest", .text, "The manifest that runs."),
                FieldSchema("workloads", .anything, "The state of each workload, by its name."),
            ]), "What was seen last.")
        let schema = FieldSchema.Value.object([
            FieldSchema("apiVersion", .text, "The version of this form."),
            FieldSchema("kind", .text, "The kind of object."),
            // An API server takes nothing here but the type.
            FieldSchema("metadata", .object([]), ""),
            specification, status,
        ]).schema(.kubernetes)
        func column(_ name: String, _ path: String) -> ConfigValue {
            ["name": .string(name), "type": "string", "jsonPath": .string(path)]
        }
        let version: ConfigValue = [
            "name": "v1", "served": true, "storage": true, "subresources": ["status": [:]],
            "additionalPrinterColumns": [
                column("Image", ".spec.filter.image"), column("Digest", ".status.digest"),
                column("Reason", ".status.reason"),
            ],
            "schema": ["openAPIV3Schema": ConfigValue(.object(schema).withoutEmptyProperties)],
        ]
        let definition: ConfigValue = [
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": ["name": "filterdeployments.wasme.io"],
            "spec": [
                "group": "wasme.io", "scope": "Namespaced",
                "names": [
                    "kind": .string(kind), "listKind": "FilterDeploymentList", "plural": "filterdeployments",
                    "singular": "filterdeployment", "shortNames": ["fd"],
                ],
                "versions": [version],
            ],
        ]
        return (["# Written by the tests from what 'wasme deploy -f' reads."] + definition.yamlLines)
            .joined(separator: "\n") + "\n"
    }
}

extension JSONValue {
    /// `metadata` may only say that it is an object.
    fileprivate var withoutEmptyProperties: JSONValue {
        guard case .object(let object) = self else { return self }
        var kept = JSONObject()
        for (name, value) in object.members {
            if name == "properties", value.object?.count == 0 { continue }
            kept[name] = value.withoutEmptyProperties
        }
        return .object(kept)
    }
}
