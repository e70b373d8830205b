// SPDX-License-Identifier: Apache-2.0

import Hub
import NIOCore
import OCI

/// The answer to a list of tags (distribution-spec 1.1, "Listing Tags").
enum TagList {
    /// The document.
    ///
    /// Neither tags nor names of repositories have a character that JSON would have to escape.
    static func json(_ repository: Repository, _ tags: [String]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(tags.reduce(repository.path.utf8.count + 24) { $0 + $1.utf8.count + 3 })
        buffer.writeStaticString("{\"name\":\"")
        buffer.writeString(repository.path)
        buffer.writeStaticString("\",\"tags\":[")
        var isFirst = true
        for tag in tags {
            if isFirst { buffer.writeStaticString("\"") } else { buffer.writeStaticString(",\"") }
            isFirst = false
            buffer.writeString(tag)
            buffer.writeStaticString("\"")
        }
        buffer.writeStaticString("]}")
        return buffer
    }

    /// Where the next page is.
    static func next(
        _ repository: Repository, _ page: Registry.Page, _ limit: Int?, _ limits: Registry.Limits
    ) -> String? {
        nextLink("/v2/\(repository)/tags/list", page, limit, limits)
    }
}

/// A `Link` to the next page of a list (RFC 8288).
func nextLink(
    _ path: String, _ page: Registry.Page, _ limit: Int?, _ limits: Registry.Limits
) -> String? {
    guard let next = page.next else { return nil }
    // Tags and repository names have no character that a query would have to escape.
    return "<\(path)?n=\(min(limit ?? .max, limits.pageLength))&last=\(next)>; rel=\"next\""
}
