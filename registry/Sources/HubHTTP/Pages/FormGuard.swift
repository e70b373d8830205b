// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTypes
import Hub
import Hummingbird

/// Tells requests that a page of the hub sends from those that a page of somebody else makes a browser send.
struct FormGuard: Sendable {
    /// Where clients find the hub, if they do not find it by the address that they use.
    let publicURL: String?

    /// Refuses a request that another site's page made, as far as the browser says so.
    func checkOrigin(_ request: Request) throws(HubError) {
        // Fetch Metadata: "none" is somebody who typed the address or pressed "reload".
        if let site = request.headers[.secFetchSite], site != "same-origin", site != "none" {
            throw .foreignForm
        }
        guard let origin = request.headers[.origin] else { return }
        // The scheme is left out: behind a proxy the hub does not know it.
        let hosts = [request.head.authority, publicURL.flatMap { Self.host($0) }]
        guard let host = Self.host(origin), hosts.contains(host) else { throw .foreignForm }
    }

    /// Refuses a form that was not on a page of this visitor.
    func check(_ request: Request, _ token: String?, _ key: FormKey) throws(HubError) {
        try checkOrigin(request)
        guard key.fits(token) else { throw .staleForm }
    }

    /// Host and port of a URL; nil for any other text, as for an origin that is "null".
    private static func host(_ text: String) -> String? {
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
            let host = text.dropFirst(scheme.count).prefix { $0 != "/" }
            return host.isEmpty ? nil : String(host)
        }
        return nil
    }
}

/// A path of this hub that somebody is to be sent to.
///
/// Whatever could lead elsewhere is none: `//host`, `/\host`, a URL, a control character.
struct LocalPath: Hashable, Sendable {
    let text: String

    init?(_ text: String) {
        guard text.hasPrefix("/"), !text.hasPrefix("//"), text.utf8.count <= 2000,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }),
            let target = try? RequestTarget(text), !["signin", "signout"].contains(target.segments.first)
        else { return nil }
        self.text = text
    }
}

/// An answer that sends a browser to another page, which it asks for by GET (RFC 9110 §15.4.4).
func seeOther(_ path: String) -> Response {
    Response(status: .seeOther, headers: [.location: path, .cacheControl: "no-store"])
}

extension HubError {
    fileprivate static let foreignForm = Self(
        .denied, "this request comes from a page of another site", category: .denied)
    fileprivate static let staleForm = Self(
        .denied, "this form is not, or no longer, valid",
        hint: "reload the page that it is on, and send it again",
        category: .denied)
}

extension HTTPField.Name {
    /// The form's token, for requests of scripts.
    static let formToken = known("X-CSRF-Token")
    static let secFetchSite = known("Sec-Fetch-Site")
}
