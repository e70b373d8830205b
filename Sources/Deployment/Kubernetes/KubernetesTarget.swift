// SPDX-License-Identifier: Apache-2.0

package import HostProfiles
package import JSON
private import OCI

/// What is to be deployed into a cluster, by whom, and what is there.
package struct KubernetesRequest: Hashable, Sendable {
    package var deployment: FilterDeployment
    package var place: KubernetesPlace
    /// Which version of the target the cluster has; nil if that is not known.
    package var version: HostVersion?
    /// Who deploys, as in "alice@laptop".
    package var author: String
    /// When, as in "2026-11-26T10:00:00Z" (RFC 3339).
    package var time: String
    /// Whether what a target cannot express is left out with a warning.
    package var isBestEffort = false
    /// The objects that the plan will change, as the API server has them.
    package var live: [JSONValue] = []

    package init(
        _ deployment: FilterDeployment, at place: KubernetesPlace, author: String, time: String
    ) {
        self.deployment = deployment
        self.place = place
        self.author = author
        self.time = time
    }
}

/// A host on Kubernetes that runs filters: it turns the neutral deployment into objects.
///
/// It is a value with what only this target can be told. `plan` checks, renders and labels; a target itself only says what
/// it cannot express and renders the rest.
package protocol KubernetesTarget: Sendable {
    /// Its plain name, which is also that of its host profiles, as in "envoy-gateway".
    var name: String { get }
    /// Its name for people, with the kind of object if it has several, as in "Istio (WasmPlugin)".
    var title: String { get }
    /// The namespace that objects without one go to; nil for the one that is chosen when they are applied.
    var usualNamespace: String? { get }
    /// Whether the image is fetched by the target itself, so that it has to be in a registry.
    var fetchesImage: Bool { get }
    /// Why a field cannot be expressed; nil if it can.
    func refusal(of field: DeploymentField) -> String?
    /// The target and a place as a `FilterDeployment` file says them.
    func written(at place: KubernetesPlace) -> FilterDeploymentFile.Target
    /// Renders what the target can express: labels, history and checks are not its business.
    func render(_ request: KubernetesRequest) throws -> RenderedFilter
}

/// What a target makes of a deployment.
package struct RenderedFilter: Hashable, Sendable {
    /// In the order in which they are to be written; the last one is the filter itself, and keeps the history.
    package var objects: [KubernetesObject]
    package var files: [KubernetesPlan.File] = []
    package var warnings: [String] = []
    /// The names of the host's fields that were used and that not every version has, as in "WasmPlugin.match".
    package var hostFields: [String] = []

    package init(_ objects: [KubernetesObject]) { self.objects = objects }
}

extension KubernetesTarget {
    package var fetchesImage: Bool { true }

    /// The plan for a deployment.
    /// - Throws: `DeploymentError` for a field that the target cannot express, unless that is allowed, for names and sizes
    ///   that no API server takes, and for what the target itself refuses.
    package func plan(_ request: KubernetesRequest) throws -> KubernetesPlan {
        var request = request
        try check(request)
        var warnings = try removeUnexpressed(from: &request)
        if request.place.namespace == nil { request.place.namespace = usualNamespace }
        var rendered = try render(request)
        warnings += rendered.warnings
        warnings += versionWarnings(request.version, rendered.hostFields)
        KubernetesStamp.apply(request, written(at: request.place), to: &rendered.objects)
        for object in rendered.objects { try KubernetesLimits.check(object) }
        let deployment = request.deployment
        return KubernetesPlan(
            summary: "\(title) runs \"\(deployment.id)\" (\(deployment.digest))",
            objects: rendered.objects, files: rendered.files, warnings: warnings)
    }

    private func check(_ request: KubernetesRequest) throws {
        let deployment = request.deployment
        try KubernetesNames.check(id: deployment.id)
        if let namespace = request.place.namespace { try KubernetesNames.check(namespace: namespace) }
        if let secret = request.place.pullSecret { try KubernetesNames.check(name: secret, of: "a secret") }
        for target in request.place.targets {
            try KubernetesNames.check(name: target.name, of: "the \(target.kind) that the filter is for")
        }
        try KubernetesNames.check(labels: request.place.labels)
        for port in deployment.match.flatMap(\.ports) where !(1...65535).contains(port) {
            throw DeploymentError(.invalid, "\(port) is no port", hint: "ports are 1 to 65535")
        }
        if let priority = deployment.priority, Int32(exactly: priority) == nil {
            throw DeploymentError(
                .invalid, "the priority \(priority) is too large",
                hint: "priorities are \(Int32.min) to \(Int32.max)")
        }
        guard deployment.image?.registry != nil || !fetchesImage else {
            throw DeploymentError(
                .invalid,
                "\(title) fetches images from a registry, and the image of \"\(deployment.id)\" is only on this machine",
                hint: "push it first: wasme push HOST/NAME:TAG")
        }
    }

    /// The one place where what a target cannot express is found.
    private func removeUnexpressed(from request: inout KubernetesRequest) throws -> [String] {
        var warnings: [String] = []
        for field in DeploymentField.allCases
        where field.isUsed(by: request.deployment, at: request.place) {
            guard let reason = refusal(of: field) else { continue }
            guard request.isBestEffort, !field.isEssential else {
                throw DeploymentError(
                    .invalid, "\(title) cannot express \"\(field.name)\": \(reason)",
                    hint: field.isEssential
                        ? "leave it out, or deploy to a target that can"
                        : "leave it out, or use --best-effort to deploy without it")
            }
            warnings.append("\"\(field.name)\" is left out, as \(title) cannot express it: \(reason)")
            field.remove(from: &request.deployment, at: &request.place)
        }
        return warnings
    }

    /// What the cluster's version does not have; versions never refuse.
    private func versionWarnings(_ version: HostVersion?, _ fields: [String]) -> [String] {
        guard let version, let catalog = try? HostCatalog.bundled() else { return [] }
        guard let profile = try? catalog.profile(of: name, version) else {
            return ["nothing is known of \(title) \(version)"]
        }
        var warnings: [String] = []
        if profile.isNewerThanKnown {
            warnings.append("\(profile.title) \(version) is newer than what is known of it")
        }
        let newest = try? catalog.profiles(for: HostTarget(host: name)).last
        for field in fields where !profile.fields.contains(where: { $0.name == field }) {
            let since = newest?.fields.first { $0.name == field }?.since
            warnings.append(
                "\(profile.title) \(version) does not know \(field)"
                    + (since.map { ", which came with \($0)" } ?? ""))
        }
        return warnings
    }

    /// Whether a version has a field; one that is not known has what all versions have.
    func has(_ field: String, _ version: HostVersion?) -> Bool {
        guard let version, let profile = try? HostCatalog.bundled().profile(of: name, version) else {
            return false
        }
        return profile.fields.contains { $0.name == field }
    }
}
