// SPDX-License-Identifier: Apache-2.0

import Hub
import HubFacts
import Hummingbird
import Markdown
import OCI

/// The page of a filter: what it is, what it does, where it runs, and how it gets there.
///
/// Content that is no filter has the page of any image.
struct FilterPage: Sendable {
    static let assets = ["filter.css", "filter.js"]

    let renderer: PageRenderer
    let site: PublicAddress

    func respond(_ request: Request, _ name: String, _ visit: Visit) async throws -> Response {
        guard let address = FilterAddress(name) else { return renderer.missing(visit) }
        guard let view = try await FilterView(address, visit) else {
            return try await pageWithoutVersions(address, visit)
        }
        guard let facts = view.filter else {
            guard request.method != .post else { return renderer.missing(visit) }
            return try await page(view, visit, otherContent(view))
        }
        let install = FilterInstall(view, facts, site.found(visit))
        var sent: [String: String]?
        if request.method == .post {
            let form = try await RequestTarget(form: request, limit: FilterInstall.longestForm)
            sent = form.fields
            if request.headers[.accept] == "application/json" { return try install.answer(form.fields) }
        }
        var values = FilterSections(view, facts, visit).values
        values.merge(install.values(sent)) { $1 }
        return try await page(view, visit, values)
    }

    /// The page of a repository whose manifests have no tag.
    private func pageWithoutVersions(_ address: FilterAddress, _ visit: Visit) async throws -> Response {
        guard address.target == nil else { return renderer.missing(visit) }
        do {
            _ = try await visit.registry.tags(in: address.repository, limit: 1)
        } catch let error as HubError where error.hidesContent {
            return renderer.missing(visit)
        }
        return renderer.page(
            "filter", title: address.repository.path,
            ["name": address.repository.path, "reference": "\(visit.host)/\(address.repository)"], visit,
            using: Self.assets)
    }

    private func page(
        _ view: FilterView, _ visit: Visit, _ values: [String: Any]
    ) async throws -> Response {
        var values = values
        values["name"] = view.repository.path
        values["reference"] = "\(visit.host)/\(view.repository)"
        values["version"] = FilterVersions(view, visit).values
        values["image"] = ImageSection(view).values
        values["pulls"] = try await visit.pullChart(of: view.repository)
        values["feed"] = "/feed/\(view.repository).atom"
        values["meta"] = openGraph(
            visit, title: view.repository.path, "/r/\(view.repository)",
            view.annotations["org.opencontainers.image.description"].map { shortened($0, to: 300) })
        return renderer.page("filter", title: view.repository.path, values, visit, using: Self.assets)
    }

    private func otherContent(_ view: FilterView) -> [String: Any] {
        switch view.content {
        case .unreadable(let reason): ["unreadable": ["reason": reason]]
        case .notReadYet: ["isUnread": true]
        default: ["isOther": true]
        }
    }
}

/// The hub as others reach it.
struct PublicAddress: Sendable {
    /// Where clients find the hub, if it was told.
    let url: String?
    /// The scheme of its own listener.
    let scheme: String

    /// The address that somebody is to use: the one the hub was told, or the one that the visitor uses.
    ///
    /// Nil if that is no name of a host: it stands in commands that are copied.
    func found(_ visit: Visit) -> (host: RegistryHost, isEncrypted: Bool)? {
        guard let url else { return (try? RegistryHost(visit.host)).map { ($0, scheme == "https") } }
        let parts = url.split(separator: "/", omittingEmptySubsequences: true)
        guard parts.count > 1 else { return nil }
        return (try? RegistryHost(String(parts[1]))).map { ($0, parts[0] == "https:") }
    }
}
