// SPDX-License-Identifier: Apache-2.0

/// What an API server stores at most.
enum KubernetesLimits {
    /// Bytes of a request that etcd takes (etcd, `--max-request-bytes`).
    static let object = 1_572_864
    /// Bytes of all annotations, names and values (apimachinery, `TotalAnnotationSizeLimitB`).
    static let annotations = 262_144

    static func check(_ object: KubernetesObject) throws {
        let size = object.json.utf8.count
        guard size <= Self.object else {
            throw DeploymentError(
                .invalid,
                "\(object.description) has \(size) bytes; an API server stores at most \(Self.object) (1.5 MiB)",
                hint: "make the filter's configuration smaller")
        }
        let annotations = annotationSize(object.annotations)
        guard annotations <= Self.annotations else {
            throw DeploymentError(
                .invalid,
                "the annotations of \(object.description) have \(annotations) bytes; \(Self.annotations) (256 KiB) are the limit",
                hint: "remove annotations that are no longer needed")
        }
    }

    static func annotationSize(_ annotations: [String: String]) -> Int {
        annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    }
}
