// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Foundation
import HTTPTypes
import OCI

extension RegistryError {
    /// The registry refused.
    /// - Parameters:
    ///   - action: what was tried, on which thing, as in `read manifest "host/name:tag"`.
    ///   - host: the registry.
    ///   - answer: what came back; its body may be cut off.
    init(_ action: String, _ host: RegistryHost, _ answer: Answer) {
        let status = answer.response.status.code
        let entries = Self.entries(of: answer.body)
        let codes = entries.map(\.code)
        // A token that was asked for that very scope, and still does not do: the account lacks the right.
        let lacksRight =
            status == 401 && answer.challenges.contains { $0.parameters["error"] == "insufficient_scope" }
        let kind = lacksRight ? .denied : Self.kind(status: status, codes: codes)
        var reason = "the registry answered \(status)"
        if let said = Self.said(entries, answer) { reason += " (\(said))" }
        if entries.isEmpty, answer.isWebPage { reason += " with a web page" }
        self.init(
            kind, "cannot \(action): \(reason)", hint: Self.hint(kind, host),
            category: Self.category(kind))
        self.status = status
        if entries.isEmpty, let better = Self.hint(ofPage: answer, host) { hint = better }
        serverCodes = codes
        isTemporary = [429, 500, 502, 503, 504].contains(status)
        retryAfter = isTemporary ? HTTPDelay.retryAfter(answer.response.headerFields) : nil
    }

    private static func kind(status: Int, codes: [String]) -> Code {
        switch status {
        case 401: return .unauthorized
        case 403: return .denied
        case 404:
            if codes.contains("NAME_UNKNOWN") { return .nameUnknown }
            if codes.contains("MANIFEST_UNKNOWN") { return .manifestUnknown }
            if codes.contains("BLOB_UNKNOWN") { return .blobUnknown }
            return .notFound
        case 429: return .rateLimited
        case 500...: return .unavailable
        default: return codes.contains("DENIED") ? .denied : .refused
        }
    }

    private static func category(_ code: Code) -> DiagnosticCategory {
        switch code {
        case .unauthorized, .denied: .denied
        case .unavailable: .unreachable
        default: .failed
        }
    }

    private static func hint(_ code: Code, _ host: RegistryHost) -> String? {
        switch code {
        case .unauthorized: "log in with 'wasme login \(host)'"
        case .denied: "your account may lack the right; log in as another with 'wasme login \(host)'"
        case .nameUnknown: "check the repository's name; the first push creates it"
        case .manifestUnknown, .notFound: "check the name and the tag or digest"
        case .blobUnknown: "the image is incomplete there; push it again"
        case .rateLimited: "wait a while; limits are often higher after 'wasme login \(host)'"
        case .unavailable: "try again later; the registry's own log says more"
        default: nil
        }
    }

    /// What to do about a page that a web server put in an answer's place.
    private static func hint(ofPage answer: Answer, _ host: RegistryHost) -> String? {
        guard answer.isWebPage, (400..<500).contains(answer.status), answer.status != 429 else { return nil }
        let text = String(decoding: answer.body.prefix(4096), as: UTF8.self)
        // nginx lets a connection without a certificate, or with a bad one, come this far.
        if text.contains("SSL certificate") {
            return "name a certificate that \"\(host)\" accepts with --cert FILE, and its key with --key FILE"
        }
        if text.contains("HTTPS port") { return "\"\(host)\" speaks TLS: leave out --plain-http" }
        return answer.status == 404 ? "is there a registry at \"\(host)\"? check the name and the port" : nil
    }

    /// What the registry's error body says, at most a line's worth.
    private static func said(_ entries: [RegistryErrorBody.Entry], _ answer: Answer) -> String? {
        if !entries.isEmpty {
            let parts = entries.prefix(3).map { entry in
                let words = [entry.message, entry.detail].compactMap(\.self).filter { !$0.isEmpty }
                return shownText(([entry.code] + words).joined(separator: ": "), limit: 200)
            }
            return parts.joined(separator: "; ")
        }
        // An HTML page is some proxy's: its mark-up helps nobody.
        let type = answer.response.headerFields[.contentType] ?? ""
        guard type.lowercased().hasPrefix("text/plain"), answer.body.first != UInt8(ascii: "<") else {
            return nil
        }
        let text = shownText(String(decoding: answer.body.prefix(800), as: UTF8.self), limit: 200)
        return text.isEmpty ? nil : text
    }

    private static func entries(of body: [UInt8]) -> [RegistryErrorBody.Entry] {
        do {
            return try JSONDecoder().decode(RegistryErrorBody.self, from: Data(body)).errors
        } catch {
            // Not an error body of the specification: the status alone has to do.
            return []
        }
    }
}

/// Foreign text for a message: one line, no control or direction-changing characters, bounded.
package func shownText(_ text: String, limit: Int) -> String {
    let bidirectional: Set<UInt32> = [
        0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069,
    ]
    var shown = String.UnicodeScalarView()
    var count = 0
    for scalar in text.unicodeScalars where !bidirectional.contains(scalar.value) {
        let isBlank =
            scalar.value <= 0x20 || (0x7f...0xa0).contains(scalar.value)
            || [0x2028, 0x2029].contains(scalar.value)
        if isBlank, shown.isEmpty || shown.last == " " { continue }
        guard count < limit else {
            shown.append("…")
            break
        }
        shown.append(isBlank ? " " : scalar)
        count += 1
    }
    while shown.last == " " { shown.removeLast() }
    return String(shown)
}
