// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import SystemPackage
import TestSupport
import Testing

/// Who decides about repositories, by the API and by the command.
@Suite struct PolicyAccessTests {
    private func send(
        _ town: Town, _ method: String, _ path: String, as user: String, _ body: String = ""
    ) async throws -> Reply {
        try await town.hub.client.send(
            method, "/api/v1/\(path)",
            Town.basic(user, "secret").merging(["Content-Type": "application/json"]) { $1 },
            body: Array(body.utf8))
    }

    @Test func `an organisation's administrator decides about its repositories, and the log says so`()
        async throws
    {
        try await withTown { town in
            let path = "organisations/acme/policy"
            let empty = try await send(town, "GET", path, as: "ada")
            #expect(empty.text == "{}")
            let set = try await send(
                town, "PUT", path, as: "ada", #"{"immutableTags":["v*"],"keepTags":5}"#)
            #expect(set.status == 204, "\(set.text)")
            let read = try await send(town, "GET", path, as: "ada")
            #expect(read.text == #"{"immutableTags":["v*"],"keepTags":5}"#)
            let all = try await send(town, "GET", "policies", as: "ada")
            #expect(all.text == #"{"acme/*":{"immutableTags":["v*"],"keepTags":5}}"#)
            #expect(try await send(town, "GET", "policies", as: "eve").text == "{}")
            // It holds.
            let moved = try await town.hub.client.send(
                "DELETE", "/v2/acme/open/manifests/v1", Town.basic("ada", "secret"))
            #expect(moved.status == 403, "\(moved.text)")
            #expect(try await send(town, "DELETE", path, as: "ada").status == 204)
            #expect(try await send(town, "GET", path, as: "ada").text == "{}")
            let entries = try await town.hub.gatekeeper.directory(for: .host).store.auditEntries(
                before: nil, limit: 2)
            #expect(entries.map(\.action) == ["policy.remove", "policy.set"])
            #expect(entries.map(\.subject) == ["acme/*", "acme/*"])
            #expect(entries.map(\.actor) == ["ada", "ada"])
            #expect(entries.last?.detail == #"{"immutableTags":["v*"],"keepTags":5}"#)
        }
    }

    @Test func `a quota is for the hub's administrators to decide`() async throws {
        try await withTown { town in
            for path in ["organisations/acme/policy", "repositories/acme/open/policy"] {
                #expect(try await send(town, "PUT", path, as: "ada", #"{"quota":1000000}"#).status == 403)
                #expect(try await send(town, "PUT", path, as: "root", #"{"quota":1000000}"#).status == 204)
                #expect(try await send(town, "DELETE", path, as: "ada").status == 403)
                #expect(try await send(town, "PUT", path, as: "ada", #"{"keepTags":3}"#).status == 403)
                let kept = try await send(town, "PUT", path, as: "ada", #"{"keepTags":3,"quota":1000000}"#)
                #expect(kept.status == 204, "\(kept.text)")
                #expect(try await send(town, "DELETE", path, as: "root").status == 204)
            }
        }
    }

    @Test func `what cannot be meant is refused, and changes nothing`() async throws {
        try await withTown { town in
            let path = "repositories/acme/open/policy"
            for body in [
                #"{"keepTags":-1}"#, #"{"keepTag":1}"#, #"{"immutableTags":["a b"]}"#, #"{"quota":"5"}"#,
                "[]",
                "", #"{"untaggedLifetime":1e300}"#,
            ] {
                let reply = try await send(town, "PUT", path, as: "root", body)
                #expect(reply.status == 400, "\(body): \(reply.status)")
            }
            #expect(try await send(town, "GET", path, as: "root").text == "{}")
            #expect(try await send(town, "POST", path, as: "root", "{}").status == 405)
            #expect(try await send(town, "PUT", "repositories/ACME/policy", as: "root", "{}").status == 400)
        }
    }

    @Test func `the command decides about a folder`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = ["--data", scratch.path.appending("data").string]
        func policy(_ arguments: [String]) async throws -> ProcessOutcome {
            try await HubProcess.run(["policy"] + arguments + data)
        }
        let set = try await policy([
            "set", "acme/*", "--immutable", "v*", "--keep-tags", "20", "--untagged-days", "14", "--quota",
            "2G",
        ])
        #expect(set.status == 0, "\(set.stderr)")
        #expect(try await policy(["set", "acme/*", "--no-immutable", "--no-sparse"]).status == 0)
        let list = try await policy(["list"])
        #expect(
            list.stdout
                == "acme/*\tno immutable tags, keep 20 tags, untagged 14 days, not sparse, quota 2147483648 bytes\n"
        )
        let json = try await policy(["list", "--format", "json"])
        #expect(json.stdout.contains(#""keepTags":20"#), "\(json.stdout)")
        #expect(try await policy(["rm", "acme/*"]).status == 0)
        #expect(try await policy(["list"]).stdout.isEmpty)
        for bad in [["set", "A"], ["set", "a", "--quota", "much"], ["set", "a", "--keep-tags", "-1"]] {
            #expect(try await policy(bad).status != 0, "\(bad)")
        }
        let audit = try await HubProcess.run(["audit"] + data)
        #expect(audit.stdout.contains("policy.set"), "\(audit.stdout)")
    }
}
