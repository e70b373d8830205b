// SPDX-License-Identifier: Apache-2.0

import Hub
import OCI

/// A feed of versions (RFC 4287).
struct AtomFeed {
    /// Where the hub is, without a slash at its end.
    let base: String
    /// The feed's own path, and that of the page it is about.
    let path: String
    let page: String
    let title: String

    struct Entry {
        let repository: Repository
        let image: TaggedImage
        let summary: String?

        init(_ repository: Repository, _ image: TaggedImage, summary: String?) {
            self.repository = repository
            self.image = image
            self.summary = summary
        }
    }

    /// The feed with its entries, the newest first.
    func document(_ entries: [Entry]) -> String {
        let updated = timestamp(entries.map(\.image.updatedAt).max() ?? 0)
        return """
            <feed xmlns="http://www.w3.org/2005/Atom">
            <id>\(escaped(base + path))</id>
            <title>\(escaped(title))</title>
            <updated>\(updated)</updated>
            <author><name>wasme hub</name></author>
            <link rel="self" href="\(escaped(base + path))"/>
            <link rel="alternate" type="text/html" href="\(escaped(base + page))"/>
            \(entries.map(text).joined(separator: "\n"))
            </feed>

            """
    }

    private func text(_ entry: Entry) -> String {
        let name = "\(entry.repository):\(entry.image.tag)"
        // A tag that moves to another image is another entry.
        let id = "\(base)/r/\(entry.repository)@\(entry.image.digest)#\(entry.image.tag)"
        let summary = entry.summary.map { "<summary>\(escaped($0))</summary>" } ?? ""
        return """
            <entry><id>\(escaped(id))</id><title>\(escaped(name))</title>\
            <updated>\(timestamp(entry.image.updatedAt))</updated>\
            <link rel="alternate" type="text/html" href="\(escaped("\(base)/r/\(name)"))"/>\(summary)</entry>
            """
    }
}
