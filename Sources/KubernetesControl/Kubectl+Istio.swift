// SPDX-License-Identifier: Apache-2.0

/// A control plane of Istio that runs in a cluster.
package struct IstioControlPlane: Hashable, Sendable {
    package let namespace: String
    /// As in `default` or `1-30`; nil if it does not say.
    package let revision: String?
    /// As in `1.30.3`, by the tag of its image; nil if that tells no version.
    package let version: String?
}

extension Kubectl {
    /// The control planes of Istio, one for each revision.
    ///
    /// Who may not look in the whole cluster looks in Istio's usual namespace.
    /// - Returns: none if there are none, or if nobody may look.
    /// - Throws: `KubernetesError`, but not for a lack of rights.
    package func istioControlPlanes() async throws -> [IstioControlPlane] {
        for place in [["-A"], ["-n", "istio-system"]] {
            do {
                let columns =
                    "N:.metadata.namespace,R:.metadata.labels.istio\\.io/rev,I:.spec.template.spec.containers[*].image"
                let answer = try await run(
                    [
                        "get", "deployments", "-l", "app=istiod", "--no-headers", "-o",
                        "custom-columns=\(columns)",
                    ]
                        + place,
                    to: "find Istio's control plane")
                return Self.planes(String(decoding: answer, as: UTF8.self))
            } catch let error as KubernetesError where error.code == .denied {
                continue
            }
        }
        return []
    }

    static func planes(_ output: String) -> [IstioControlPlane] {
        output.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map { String($0) }
            guard fields.count == 3 else { return nil }
            let tags = fields[2].split(separator: ",").compactMap { image in
                // As in `docker.io/istio/pilot:1.30.3-distroless`, or with a digest behind it.
                image.prefix { $0 != "@" }.firstMatch(of: /:(\d+\.\d+(?:\.\d+)?)(?:[^\/:]*)$/).map {
                    String($0.1)
                }
            }
            return IstioControlPlane(
                namespace: fields[0], revision: fields[1] == "<none>" ? nil : fields[1], version: tags.first)
        }
    }
}
