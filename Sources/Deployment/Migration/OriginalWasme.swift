// SPDX-License-Identifier: Apache-2.0

/// What the original wasme called things in a cluster (solo-io/wasm, `tools/wasme/cli/pkg`).
package enum OriginalWasme {
    /// The folder on each node that its cache filled, and that sidecars mounted; the files are called by their SHA-256.
    package static let cacheFolder = "/var/local/lib/wasme-cache"
    /// Annotations of pod templates that mounted the folder into sidecars (Istio, "Resource Annotations").
    static let volumeAnnotations = ["sidecar.istio.io/userVolume", "sidecar.istio.io/userVolumeMount"]
    /// Before the name of an annotation that it has kept a copy of.
    static let backupPrefix = "wasme-backup."
    /// The operator's deployment, service account and roles.
    package static let operatorName = "wasme-operator"
    /// The definition of its custom resource; ours has the same name.
    package static let definitionName = "filterdeployments.wasme.io"

    /// Whether a part of the installation is the operator's, and not the cache's.
    package static func isOperator(_ object: OriginalObject) -> Bool {
        object.name == operatorName || object.kind == "CustomResourceDefinition"
    }

    /// Where its cache is.
    package struct Cache: Hashable, Sendable {
        package var namespace = "wasme"
        package var name = "wasme-cache"

        package init() {}
    }
}
