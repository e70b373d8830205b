// SPDX-License-Identifier: Apache-2.0

/// What a request was about, as metrics and logs call it: few and fixed, whatever clients send.
package enum RouteClass: String, CaseIterable, Sendable {
    case base, catalog, tags, manifest, blob, upload, referrers
    case module, facts, token, search, management, page, setup, probe, metrics
    /// A path that leads nowhere, or what was no request at all.
    case other

    /// The place among all classes, for tables.
    var index: Int {
        switch self {
        case .base: 0
        case .catalog: 1
        case .tags: 2
        case .manifest: 3
        case .blob: 4
        case .upload: 5
        case .referrers: 6
        case .module: 7
        case .token: 8
        case .search: 9
        case .management: 10
        case .page: 11
        case .setup: 12
        case .probe: 13
        case .metrics: 14
        case .facts: 15
        case .other: 16
        }
    }

    /// The class of a path, and the name of the repository in it, which need not be a valid one.
    ///
    /// It is read from the right as `RegistryRoute` does; nothing is decided by it.
    static func of(_ segments: [String]) -> (route: RouteClass, repository: String?) {
        switch segments.first {
        case "v2": ofRegistry(segments.dropFirst())
        case "modules": (.module, segments.dropFirst().dropLast().joined(separator: "/"))
        case "token": (.token, nil)
        case "setup": (.setup, nil)
        case "healthz", "readyz": (.probe, nil)
        case "metrics": (.metrics, nil)
        case "api" where segments.starts(with: ["api", "v1", "facts"]):
            (.facts, segments.dropFirst(3).dropLast().joined(separator: "/"))
        case "api" where segments.starts(with: ["api", "v1", "pulls"]):
            (.facts, segments.dropFirst(3).joined(separator: "/"))
        case "api": (segments == ["api", "v1", "search"] ? .search : .management, nil)
        case "r":
            (.page, String(segments.dropFirst().joined(separator: "/").prefix { $0 != ":" && $0 != "@" }))
        case "compare": (.page, segments.dropFirst().joined(separator: "/"))
        case "feed", "badge", "feed.atom", "sitemap.xml", "sitemap", "robots.txt": (.page, nil)
        case "", "assets", "signin", "signout", "account", "organisations", "users", "settings", "admin":
            (.page, nil)
        default: (.other, nil)
        }
    }

    private static func ofRegistry(_ path: ArraySlice<String>) -> (RouteClass, String?) {
        let words = Array(path.suffix(3))
        func word(_ fromRight: Int) -> String {
            words.count > fromRight ? words[words.count - 1 - fromRight] : ""
        }
        func name(_ dropping: Int) -> String { path.dropLast(dropping).joined(separator: "/") }
        if path.isEmpty || path == [""] { return (.base, nil) }
        if path == ["_catalog"] { return (.catalog, nil) }
        if word(1) == "tags", word(0) == "list" { return (.tags, name(2)) }
        if word(1) == "manifests" { return (.manifest, name(2)) }
        if word(1) == "referrers" { return (.referrers, name(2)) }
        if word(1) == "blobs", word(0) == "uploads" { return (.upload, name(2)) }
        if word(2) == "blobs", word(1) == "uploads" { return (.upload, name(3)) }
        if word(1) == "blobs" { return (.blob, name(2)) }
        return (.other, nil)
    }
}
