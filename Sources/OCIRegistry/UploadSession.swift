// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import OCI

/// An upload that a registry has open: where it goes on, and how.
struct UploadSession: Sendable {
    var location: WebLocation
    /// The least a chunk may have, but the last (distribution-spec 1.1, `OCI-Chunk-Min-Length`).
    var leastChunk: Int64 = 0

    init(_ location: WebLocation) { self.location = location }

    /// Reads the answer that opens a session or goes on with it.
    init(_ answer: Answer, _ action: String) throws {
        location = try Self.next(answer, action)
        let least = answer.header("oci-chunk-min-length").flatMap { Int64($0) } ?? 0
        leastChunk = min(max(least, 0), 1 << 30)
    }

    /// The location that an answer gives; its query is the registry's own business and is kept.
    static func next(_ answer: Answer, _ action: String) throws -> WebLocation {
        guard let text = answer.response.headerFields[.location],
            var location = answer.location.resolving(text)
        else { throw RegistryError.badAnswer(action, "the registry gives no location to upload to") }
        // A registry behind a TLS proxy may not know that it is: its own name in plain http means https.
        if location.scheme == .http, answer.location.scheme == .https,
            location.origin.host == answer.location.origin.host
        {
            location.scheme = .https
            location.authority = answer.location.authority
        }
        return location
    }

    /// How many bytes a registry has, by its `Range: 0-<last>` (distribution-spec 1.1, "Pushing a blob in chunks").
    ///
    /// `0-0` is said of one byte and, by older registries, of none: nothing can be taken from it.
    static func received(_ answer: Answer, of size: Int64) -> Int64? {
        guard let range = answer.response.headerFields[.range] else { return nil }
        let bounds = range.drop { !$0.isNumber }.split(separator: "-")
        guard bounds.count == 2, bounds[0] == "0", let last = Int64(bounds[1]), last > 0, last < size else {
            return nil
        }
        return last + 1
    }
}
