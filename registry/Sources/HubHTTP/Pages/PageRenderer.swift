// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
private import Mustache
import OCI

/// Renders the templates of the hub's pages, and gives out what they link to.
struct PageRenderer: Sendable {
    private static let templateFiles: [(name: String, bytes: [UInt8])] = [
        ("head", PackageResources.head_mustache), ("foot", PackageResources.foot_mustache),
        ("document", PackageResources.document_mustache),
        ("version-table", PackageResources.version_table_mustache),
        ("versions", PackageResources.versions_mustache),
        ("filter", PackageResources.filter_mustache), ("field", PackageResources.field_mustache),
        ("compare", PackageResources.compare_mustache),
        ("explore", PackageResources.explore_mustache), ("card", PackageResources.card_mustache),
        ("user", PackageResources.user_mustache), ("remove", PackageResources.remove_mustache),
        ("policy", PackageResources.policy_mustache),
        ("organisation-policy", PackageResources.organisation_policy_mustache),
        ("missing", PackageResources.missing_mustache), ("setup", PackageResources.setup_mustache),
        ("account", PackageResources.account_mustache),
        ("tokens", PackageResources.tokens_mustache),
        ("organisations", PackageResources.organisations_mustache),
        ("organisation", PackageResources.organisation_mustache),
        ("members", PackageResources.members_mustache),
        ("robot", PackageResources.robot_mustache),
        ("settings", PackageResources.settings_mustache),
        ("admin", PackageResources.admin_mustache),
        ("admin-places", PackageResources.admin_places_mustache),
        ("admin-users", PackageResources.admin_users_mustache),
        ("admin-audit", PackageResources.admin_audit_mustache),
        ("admin-settings", PackageResources.admin_settings_mustache),
        ("webhooks", PackageResources.webhooks_mustache), ("webhook", PackageResources.webhook_mustache),
        ("webhook-fields", PackageResources.webhook_fields_mustache),
        ("problem", PackageResources.problem_mustache), ("signin", PackageResources.signin_mustache),
    ]
    private static let assetFiles: [(name: String, type: String, bytes: [UInt8])] = [
        ("hub.css", "text/css; charset=utf-8", PackageResources.hub_css),
        ("icon.svg", "image/svg+xml", PackageResources.icon_svg),
        ("filter.css", "text/css; charset=utf-8", PackageResources.filter_css),
        ("filter.js", "text/javascript; charset=utf-8", PackageResources.filter_js),
        ("explore.css", "text/css; charset=utf-8", PackageResources.explore_css),
        ("explore.js", "text/javascript; charset=utf-8", PackageResources.explore_js),
        ("people.css", "text/css; charset=utf-8", PackageResources.people_css),
        ("people.js", "text/javascript; charset=utf-8", PackageResources.people_js),
    ]

    private struct Asset: Sendable {
        let type: String
        let bytes: ByteBuffer
        /// The path that pages link to: another one for other bytes, so that it may be kept for good.
        let link: String
    }

    private let templates: MustacheLibrary
    private let assets: [String: Asset]

    /// Whether READMEs show pictures from other hosts.
    let showsPictures: Bool

    init(showsPictures: Bool = false) throws {
        self.showsPictures = showsPictures
        MustacheContentTypes.register(PageText(), named: PageText.name)
        var templates = MustacheLibrary()
        for (name, bytes) in Self.templateFiles {
            let text = "{{% CONTENT_TYPE:\(PageText.name)}}" + String(decoding: bytes, as: UTF8.self)
            try templates.register(text, named: name)
        }
        self.templates = templates
        assets = Dictionary(
            uniqueKeysWithValues: Self.assetFiles.map { file in
                let version = Digest(of: file.bytes).hex.prefix(16)
                return (
                    file.name,
                    Asset(
                        type: file.type, bytes: ByteBuffer(bytes: file.bytes),
                        link: "/assets/\(file.name)?v=\(version)")
                )
            })
    }

    /// A page; its values get what the frame shows.
    ///
    /// These are `title`, `host`, `account` (a name, for who is signed in), `isAdmin`, `canSignIn`, `here` (the page's
    /// address as a value in a query) and the place in the navigation. `using` names the assets beside `hub.css` that
    /// the page needs: styles end with `.css`, scripts with `.js`. A page may also give `feed` (the path of its Atom
    /// feed) and `meta` (pairs of `property` and `content`).
    /// `showsPictures` is whether it holds a README, whose pictures come from other hosts if the hub allows that.
    /// `hasForm` gives it `csrf`, which each form sends back under that name; it is there anyway for who is signed in.
    func page(
        _ template: String, title: String, _ values: [String: Any], _ visit: Visit,
        using names: [String] = [], hasForm: Bool = false, showsPictures: Bool = false,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        var values = values
        values["title"] = title
        values["host"] = visit.host
        values["here"] = percentEncoded(visit.address)
        values["account"] = visit.isSignedIn ? visit.principal.name : nil
        values["isAdmin"] = visit.isAdmin
        values["canSignIn"] = visit.canSignIn
        values["hasSession"] = visit.session != nil
        values["csrf"] = hasForm || visit.session != nil ? visit.form.token : nil
        values[Self.place(visit.address)] = true
        let links = (["hub.css"] + names).compactMap { name in assets[name].map { (name, $0.link) } }
        values["icon"] = assets["icon.svg"]?.link
        values["styles"] = links.filter { $0.0.hasSuffix(".css") }.map(\.1)
        values["scripts"] = links.filter { $0.0.hasSuffix(".js") }.map(\.1)
        let html = templates.render(values, withTemplate: template) ?? ""
        var headers = Self.pageHeaders
        // What somebody sees who is signed in is for nobody who comes after.
        headers[.cacheControl] = visit.isSignedIn || hasForm ? "no-store" : "no-cache"
        if showsPictures, self.showsPictures { headers[.contentSecurityPolicy] = Self.policyWithPictures }
        if hasForm, let cookie = visit.form.fresh {
            headers[.setCookie] = visit.cookies.setting(.form, to: cookie)
        }
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    /// The page for a path that leads nowhere, or to what the visitor may not see.
    func missing(_ visit: Visit) -> Response {
        page("missing", title: "Not found", [:], visit, status: .notFound)
    }

    /// The page that says what went wrong.
    func problem(_ answer: ErrorAnswer, _ visit: Visit) -> Response {
        guard answer.status != .notFound else { return missing(visit) }
        let title =
            switch answer.status.code {
            case 401: "Sign in first"
            case 403: "Not allowed"
            case 405: "This cannot be done here"
            case 429: "Too many attempts"
            case 503: "Too busy"
            case 400..<500: "This request is not understood"
            default: "The hub failed"
            }
        var response = page(
            "problem", title: title,
            [
                "message": sentence(answer.entry.message ?? answer.entry.code),
                "needsSignIn": answer.status == .unauthorized,
            ],
            visit, status: answer.status)
        response.headers.append(contentsOf: answer.headers)
        return response
    }

    /// What pages link to: style and scripts; `isPinned` is whether it was asked for by its version.
    func asset(_ name: String, isPinned: Bool) -> Response? {
        assets[name].map { asset in
            Response(
                status: .ok,
                headers: [
                    .contentType: asset.type,
                    .cacheControl: isPinned ? "max-age=31536000, immutable" : "max-age=3600",
                    .crossOriginResourcePolicy: "same-origin",
                ], body: ResponseBody(byteBuffer: asset.bytes))
        }
    }

    /// What no page goes without: nothing runs, loads or frames it but the hub's own.
    private static let pageHeaders: HTTPFields = [
        .contentType: "text/html; charset=utf-8", .vary: "Cookie",
        // A page of the hub may know where another one was left; a form is checked by its origin.
        .referrerPolicy: "same-origin", .crossOriginResourcePolicy: "same-origin",
        .crossOriginOpenerPolicy: "same-origin", .frameOptions: "DENY",
        .permissionsPolicy: """
        camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), \
        display-capture=(), publickey-credentials-get=()
        """,
        .contentSecurityPolicy: policy(pictures: "'self'"),
    ]

    /// The same for pages with a README whose pictures may come from other hosts.
    private static let policyWithPictures = policy(pictures: "'self' https:")

    private static func policy(pictures: String) -> String {
        """
        default-src 'none'; style-src 'self'; script-src 'self'; img-src \(pictures); connect-src 'self'; \
        base-uri 'none'; form-action 'self'; frame-ancestors 'none'
        """
    }

    /// The part of the navigation that an address belongs to.
    private static func place(_ address: String) -> String {
        switch address.dropFirst().prefix(while: { $0 != "/" && $0 != "?" }) {
        case "account": "atAccount"
        case "organisations": "atOrganisations"
        case "admin": "atAdmin"
        case "": "atExplore"
        default: "atNothing"
        }
    }
}
