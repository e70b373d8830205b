// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// The commands that say who may do what, on a folder that a hub serves meanwhile.
@Suite struct AccountCommandTests {
    private func hub(
        _ data: FilePath, _ arguments: String..., input: String? = nil
    ) async throws -> ProcessOutcome {
        try await run(HubProcess.program, arguments + ["--data", data.string], input: input ?? "")
    }

    @Test func `an address that others reach needs a user, and the first one comes by a link`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let refused = try await hub(data, "serve", "--listen", "0.0.0.0:0")
        #expect(refused.status == 64)
        #expect(refused.stderr.contains("this hub has no users yet"))
        #expect(refused.stderr.contains("wasme-hub user add NAME --admin"))
        let process = try await HubProcess(
            data: data, options: ["--require-login", "--public-url", "https://hub.example.com/"])
        let entry = try await process.client.send("GET", "/v2/")
        #expect(entry.status == 401)
        #expect(
            entry["WWW-Authenticate"]?.hasPrefix("Bearer realm=\"https://hub.example.com/token\"") == true)
        let prefix = "note: add the first administrator at https://hub.example.com"
        let line = try #require(process.errorText.split(separator: "\n").first { $0.hasPrefix(prefix) })
        let path = String(line.dropFirst(prefix.count))
        #expect(try await process.client.send("GET", "/setup?token=x").status == 404)
        let page = try await process.client.send("GET", path)
        #expect(page.status == 200)
        #expect(page.text.contains("<form method=\"post\" action=\"/setup\">"))
        func post(_ password: String) async throws -> Reply {
            let token = path.drop { $0 != "=" }.dropFirst()
            return try await process.client.send(
                "POST", "/setup", body: Array("token=\(token)&name=ada&password=\(password)".utf8))
        }
        #expect(try await post("short").status == 400)
        #expect(try await post("long+enough").status == 200)
        #expect(try await post("another+one").status == 404)
        #expect(try await process.client.send("GET", path).status == 404)
        let entered = try await process.client.send("GET", "/v2/", Town.basic("ada", "long enough"))
        #expect(entered.status == 200)
        #expect(await process.stop(SIGTERM) == 0)
        // With a user it asks for a log-in without being told.
        let again = try await HubProcess(data: data)
        #expect(try await again.client.send("GET", "/v2/").status == 401)
        #expect(again.errorText.hasPrefix("note: a log-in is needed"))
        #expect(!again.errorText.contains("setup"))
    }

    @Test func `what a command changes counts from the next request on`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        #expect(
            try await hub(data, "user", "add", "ada", "--admin", "--password-stdin", input: "long enough")
                .status == 0)
        let process = try await HubProcess(data: data)
        for arguments in [
            ["org", "add", "acme"], ["org", "robot", "acme+ci"], ["grant", "write", "acme+ci", "acme"],
        ] {
            let outcome = try await run(HubProcess.program, arguments + ["--data", data.string])
            #expect(outcome.status == 0, "\(outcome.stderr)")
        }
        let made = try await hub(
            data, "token", "create", "acme+ci", "--name", "ci", "--scope", "acme/*:pull,push", "--format",
            "json")
        struct Made: Decodable {
            let id: String
            let secret: String
        }
        let token = try JSONDecoder().decode(Made.self, from: Data(made.stdout.utf8))
        func push() async throws -> Int {
            let headers = Town.basic("acme+ci", token.secret)
            let reply = try await process.client.send("POST", "/v2/acme/x/blobs/uploads/", headers, body: [])
            return reply.status
        }
        #expect(try await push() == 202)
        #expect(try await hub(data, "grant", "read", "acme+ci", "acme").status == 0)
        #expect(try await push() == 403)
        #expect(try await hub(data, "grant", "write", "acme+ci", "acme/x").status == 0)
        #expect(try await push() == 202)
        #expect(try await hub(data, "revoke", "acme+ci", "acme/x").status == 0)
        #expect(try await push() == 403)
        #expect(try await hub(data, "user", "disable", "acme+ci").status == 0)
        #expect(try await push() == 401)
        #expect(try await hub(data, "user", "enable", "acme+ci").status == 0)
        #expect(try await hub(data, "token", "revoke", "acme+ci", token.id).status == 0)
        #expect(try await push() == 401)
        let last = try await hub(data, "user", "rm", "ada")
        #expect(last.status == 1)
        #expect(last.stderr.contains("without an administrator"))
        let audit = try await hub(data, "audit", "--last", "1")
        #expect(audit.stdout.contains("\thost\t-\ttoken.revoke\tacme+ci\t\(token.id)"))
        let list = try await hub(data, "user", "list")
        #expect(list.stdout == "acme\torganisation\nacme+ci\trobot\nada\tuser\tadmin\n")
    }

    @Test func `an error of a command says what, and what next`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let weak = try await hub(data, "user", "add", "ada", "--password-stdin", input: "short")
        #expect(weak.status == 64)
        #expect(weak.stderr.hasPrefix("error: a password has at least 8 characters"))
        let name = try await hub(data, "user", "add", "Ada", "--password-stdin", input: "long enough")
        #expect(name.status == 64)
        #expect(name.stderr.contains("\"Ada\" is not the name of an account"))
        let silent = try await hub(data, "user", "add", "ada")
        #expect(silent.status == 64)
        #expect(silent.stderr.contains("send it to standard input with --password-stdin"))
        let users = try scratch.write("users", "ada:$apr1$a$b\n")
        let imported = try await hub(data, "user", "import", users.string)
        #expect(imported.status == 1)
        #expect(imported.stdout == "added 0 of 1 users\n")
        #expect(imported.stderr.hasPrefix("error: line 1: the password is hashed by MD5"))
    }
}
