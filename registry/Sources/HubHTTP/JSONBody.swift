// SPDX-License-Identifier: Apache-2.0

private import Foundation
import Hub
import Hummingbird
import OCI

/// Bytes of the longest body that our own API takes.
private let longestBody = 64 << 10

/// The body of a request of our own API: JSON of one type, without a member that is not known.
///
/// What somebody thinks was set must not be left out in silence.
func jsonBody<Body: Decodable>(
    _ request: Request, _ type: Body.Type, _ members: Set<String>
) async throws -> Body {
    // A form of another site cannot send this type without asking first.
    guard request.headers[.contentType].map({ MediaType(contentType: $0).rawValue }) == "application/json"
    else {
        throw HubError(.unsupportedRequest, "the body must be application/json")
    }
    let bytes = Data(try await RequestBytes(request).collect(upTo: longestBody))
    guard let all = try? JSONDecoder().decode([String: Anything].self, from: bytes),
        let body = try? JSONDecoder().decode(Body.self, from: bytes)
    else {
        throw HubError(.unsupportedRequest, "the body is not what this request takes")
    }
    if let stranger = all.keys.sorted().first(where: { !members.contains($0) }) {
        throw HubError(
            .unsupportedRequest, "the body has a member \"\(stranger.prefix(40))\", which is not known")
    }
    return body
}

/// A value that is only counted.
private struct Anything: Decodable {
    init(from decoder: any Decoder) throws {}
}
