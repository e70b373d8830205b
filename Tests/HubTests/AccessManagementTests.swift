// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import Testing

/// Bodies of what runs the hub.
@Suite struct AccessManagementTests {
    @Test func `a body with a member that is not known, or of another type, changes nothing`() async throws {
        try await withTown { town in
            let json = ["Content-Type": "application/json"]
            for (body, headers) in [
                (#"{"name":"bob","password":"long enough","isDisabled":true}"#, json),
                (#"{"name":"bob"}"#, json), ("[]", json), ("", json), ("{", json),
                (#"{"name":"Bob","password":"long enough"}"#, json),
                (#"{"name":"bob","password":"short"}"#, json),
                (#"{"name":"a/b","password":"long enough"}"#, json),
                (#"{"name":"bob","password":"long enough"}"#, ["Content-Type": "text/plain"]),
            ] {
                let reply = try await town.hub.client.send(
                    "POST", "/api/v1/users", Town.basic("root", "secret").merging(headers) { $1 },
                    body: Array(body.utf8))
                #expect(reply.status == 400, "\(body): \(reply.text)")
            }
            let taken = try await town.hub.client.send(
                "POST", "/api/v1/users", Town.basic("root", "secret").merging(json) { $1 },
                body: Array(#"{"name":"acme","password":"long enough"}"#.utf8))
            #expect(taken.status == 409)
        }
    }
}
