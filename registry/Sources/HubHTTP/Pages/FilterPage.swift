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

    func respond(
        _ request: Request, _ name: String, _ target: RequestTarget, _ visit: Visit
    ) async throws -> Response {
        guard let address = FilterAddress(name) else { return renderer.missing(visit) }
        guard let view = try await FilterView(address, visit) else {
            return try await pageWithoutVersions(address, visit)
        }
        if let name = try target.value("show", orThrow: .pageInvalid) {
            return try await document(name, target, view, visit) ?? renderer.missing(visit)
        }
        guard let facts = view.filter else {
            guard request.method != .post else { return renderer.missing(visit) }
            return try await page(view, visit) { _ in otherContent(view) }
        }
        let install = FilterInstall(view, facts, site.found(visit))
        var sent: [String: String]?
        if request.method == .post {
            let form = try await RequestTarget(form: request, limit: FilterInstall.longestForm)
            sent = form.fields
            if request.headers[.accept] == "application/json" { return try install.answer(form.fields) }
        }
        let showsPictures = renderer.showsPictures
        return try await page(view, visit) { [sent] bounds in
            FilterSections(view, facts, bounds, showsPictures: showsPictures).values
                .merging(install.values(sent, bounds)) { $1 }
        }
    }

    private func document(
        _ name: String, _ target: RequestTarget, _ view: FilterView, _ visit: Visit
    ) async throws -> Response? {
        guard name == "versions" else {
            return try FilterDocument(renderer: renderer, view: view, visit: visit).respond(name, target)
        }
        return try await FilterVersionList(renderer: renderer, view: view, visit: visit).respond(target)
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

    /// The page with as much of everything as makes it short enough.
    private func page(
        _ view: FilterView, _ visit: Visit, _ content: (FilterBounds) -> [String: Any]
    ) async throws -> Response {
        let pulls = try await visit.pullChart(of: view.repository)
        var response: Response
        var bounds = FilterBounds.all[...]
        repeat {
            let present = bounds.removeFirst()
            var values = content(present)
            values["name"] = view.repository.path
            values["all"] = "\(FilterAddress.path(view.repository, view.target))?show="
            values["reference"] = "\(visit.host)/\(view.repository)"
            values["version"] = FilterVersions(view, visit, present).values
            values["image"] = ImageSection(view, present).values
            values["pulls"] = pulls
            values["feed"] = "/feed/\(view.repository).atom"
            values["canonical"] = visit.hasPublicAddress ? "\(visit.base)/r/\(view.repository)" : nil
            values["meta"] = openGraph(
                visit, title: view.repository.path, "/r/\(view.repository)",
                view.annotations["org.opencontainers.image.description"].map { shortened($0, to: 300) })
            response = renderer.page(
                "filter", title: view.repository.path, values, visit, using: Self.assets,
                showsPictures: view.filter?.readme != nil)
        } while !response.isShort && !bounds.isEmpty
        return response
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
