// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Foundation
import HubStorage
import OCI
import Synchronization
import Testing

/// The answer of `/api/v1/search`, as far as suites look at it.
struct ExploreReply: Decodable {
    struct Entry: Decodable {
        let repository: String
        let tag: String
        let pulls: Int
        let hosts: [String]
        let isSigned: Bool
    }
    struct Value: Decodable {
        let value: String
        let label: String
        let count: Int
    }
    let repositories: [Entry]
    let total: Int
    let facets: [String: [Value]]

    static func get(_ hub: TestHub, _ query: String, _ headers: [String: String] = [:]) async throws -> Self {
        let reply = try await hub.client.send("GET", "/api/v1/search?\(query)", headers)
        try #require(reply.status == 200, "\(reply.text)")
        return try JSONDecoder().decode(Self.self, from: Data(reply.body))
    }

    /// How often each value of a facet occurs.
    func counts(_ facet: String) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: (facets[facet] ?? []).map { ($0.value, $0.count) })
    }
}

extension FilterSketch {
    /// A filter that says something of itself.
    init(language: String, description: String = "A filter.", readme: String = "# Tiny") throws {
        var content = Self.content(value: "\(language) \(readme)")
        content.metadata = FilterMetadata(
            name: "tiny", version: "1.0.0", description: description, licence: "Apache-2.0",
            language: language, type: "http")
        content.readme = Array(readme.utf8)
        let image = try FilterImage.compose(content, as: .compat)
        document = image.document
        blobs = image.blobs
    }
}

/// A clock on which each look is a second later.
final class Ticks: Sendable {
    private let seconds = Atomic<Int64>(1_700_000_000)

    func next() -> Int64 { seconds.add(1, ordering: .relaxed).newValue }
}

/// Waits until the hub has read all that was pushed.
func settle(_ hub: TestHub) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await hub.metadata.pendingCount() > 0 {
        try #require(ContinuousClock.now < deadline, "the hub does not come to an end of reading")
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// Text as a value in a query.
func percent(_ text: String) -> String {
    text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
