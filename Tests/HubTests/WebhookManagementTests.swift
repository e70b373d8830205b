// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubOutbound
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Webhooks that are set up by the API.
@Suite(.timeLimit(.minutes(3))) struct WebhookManagementTests {
    private struct Made: Decodable {
        let name: String
        let origin: String
        let secret: String?
        let waiting: Int
    }

    private struct Attempt: Decodable {
        let event: String
        let kind: String
        let repository: String?
        let attempt: Int
        let status: Int?
        let problem: String?
    }

    private static let json = ["Content-Type": "application/json"]

    private func make(_ client: Client, _ path: String, _ body: String) async throws -> Made {
        let reply = try await client.send("POST", "/api/v1/\(path)", Self.json, body: Array(body.utf8))
        try #require(reply.status == 201, "\(reply.text)")
        #expect(reply["Cache-Control"] == "no-store")
        return try JSONDecoder().decode(Made.self, from: Data(reply.body))
    }

    /// The attempts once there are so many.
    private func attempts(_ client: Client, _ path: String, _ count: Int) async throws -> [Attempt] {
        while true {
            let reply = try await client.send("GET", "/api/v1/\(path)/deliveries")
            try #require(reply.status == 200, "\(reply.text)")
            let found = try JSONDecoder().decode([Attempt].self, from: Data(reply.body))
            if found.count >= count { return found }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test func `a webhook of the API is told what happens, signed, also after a kill, until it is deleted`()
        async throws
    {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let status = Mutex(204)
        let receiver = try WebhookReceiver { _ in status.withLock { $0 } }
        var hub = try await HubProcess(data: data)
        let made = try await make(
            hub.client, "webhooks", #"{"name":"ci","url":"\#(receiver.url)","repositories":["acme/*"]}"#)
        let secret = try #require(made.secret)
        #expect(secret.hasPrefix("whsec_") && made.origin == "http://\(receiver.host)")
        let ping = try await hub.client.send("POST", "/api/v1/webhooks/ci/ping", body: [])
        #expect(ping.status == 202, "\(ping.text)")
        try await hub.client.pushImage(to: "other", tag: "v1")
        try await hub.client.pushImage(to: "acme/a", tag: "v1")
        let told = try await receiver.next(2)
        #expect(told.allSatisfy { $0.isSigned(with: secret) && !$0.isSigned(with: receiver.secret) })
        let messages = try told.map { try $0.message }
        #expect(messages.map(\.type) == ["dev.wasme.hub.ping", "dev.wasme.hub.manifest.push"])
        #expect(messages.map(\.data.action) == ["ping", "push"])
        #expect(messages.first?.subject == "ci" && messages.last?.data.target.repository == "acme/a")
        #expect(ping.text.contains(messages[0].id))
        _ = try await attempts(hub.client, "webhooks/ci", 2)
        // Killed, so that nothing but what is durable can be there.
        #expect(await hub.stop(SIGKILL) != 0)
        hub = try await HubProcess(data: data)
        status.withLock { $0 = 500 }
        try await hub.client.pushImage(to: "acme/a", tag: "v2")
        _ = try await receiver.next(1)
        let tried = try await attempts(hub.client, "webhooks/ci", 3)
        #expect(tried.map(\.kind).suffix(3) == ["manifest.push", "manifest.push", "ping"])
        #expect(tried.map(\.status).suffix(3) == [500, 204, 204])
        #expect(tried.dropLast(2).allSatisfy { $0.problem == "the receiver answered 500" })
        let listed = try await hub.client.send("GET", "/api/v1/webhooks")
        let command = try await HubProcess.run(["webhook", "list", "--data", data.string])
        #expect(command.stdout.hasPrefix("ci\thttp://\(receiver.host)\tmade by the API\t1 waiting"))
        for text in [listed.text, command.stdout, hub.errorText] {
            for hidden in ["hidden", secret] { #expect(!text.contains(hidden), "\(text)") }
        }
        let gone = try await hub.client.send("DELETE", "/api/v1/webhooks/ci")
        #expect(gone.status == 204, "\(gone.text)")
        #expect(try await hub.client.send("GET", "/api/v1/webhooks/ci").status == 404)
        #expect(try await hub.client.send("POST", "/api/v1/webhooks/ci/ping", body: []).status == 404)
        let log = try await hub.client.send("GET", "/api/v1/audit?n=100").text
        for action in ["create", "ping", "delete"] { #expect(log.contains("webhook.\(action)")) }
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `a webhook is changed, and what waited for it goes where it leads then`() async throws {
        let scratch = try ScratchDirectory("hub")
        let hub = try await HubProcess(data: scratch.path.appending("data"))
        let deaf = try WebhookReceiver { _ in 500 }
        let receiver = try WebhookReceiver()
        let made = try await make(hub.client, "webhooks", #"{"name":"ci","url":"\#(deaf.url)"}"#)
        try await hub.client.pushImage(to: "acme/a", tag: "v1")
        _ = try await deaf.next(1)
        func change(_ body: String) async throws -> Reply {
            try await hub.client.send("PATCH", "/api/v1/webhooks/ci", Self.json, body: Array(body.utf8))
        }
        for (body, status) in [
            ("{}", 400), (#"{"name":"other"}"#, 400), (#"{"url":"ftp://x"}"#, 400), (#"{"events":[]}"#, 400),
            (#"{"repositories":[]}"#, 400), (#"{"attempts":101}"#, 400), (#"{"secret":"short"}"#, 400),
            (#"{"url":"http://169.254.169.254/"}"#, 400), ("", 400),
        ] {
            let reply = try await change(body)
            #expect(reply.status == status, "\(body): \(reply.status) \(reply.text)")
        }
        let missing = try await hub.client.send(
            "PATCH", "/api/v1/webhooks/none", Self.json, body: Array(#"{"attempts":3}"#.utf8))
        #expect(missing.status == 404)
        let changed = try await change(
            #"{"url":"\#(receiver.url)","secret":"\#(receiver.secret)","repositories":["acme/*"],"attempts":7}"#
        )
        #expect(changed.status == 200 && changed.text.contains(#""attempts":7"#), "\(changed.text)")
        #expect(changed.text.contains(receiver.host) && !changed.text.contains(receiver.secret))
        // What waited since the address was another one, and then what happens in the repositories that count now.
        try await hub.client.pushImage(to: "other", tag: "v1")
        try await hub.client.pushImage(to: "acme/a", tag: "v2")
        let told = try await receiver.next(2)
        #expect(
            told.allSatisfy { $0.isSigned(with: receiver.secret) && !$0.isSigned(with: made.secret ?? "") })
        #expect(try told.map { try $0.message.data.target.tag } == ["v1", "v2"])
        let log = try await hub.client.send("GET", "/api/v1/audit?n=5").text
        #expect(log.contains("webhook.change") && log.contains("url at http://\(receiver.host), secret"))
        #expect(!log.contains(receiver.secret))
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `an organisation hears of its own, where whoever runs the hub allows it`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let receiver = try WebhookReceiver()
        let hosts = "WASME_HUB_ACCESS_WEBHOOK_HOSTS"
        var hub = try await HubProcess(data: data, environment: [hosts: receiver.host])
        let organisation = try await hub.client.send(
            "POST", "/api/v1/organisations", Self.json, body: Array(#"{"name":"acme"}"#.utf8))
        #expect(organisation.status == 201, "\(organisation.text)")
        let body = #"{"name":"ci","url":"\#(receiver.url)","secret":"\#(receiver.secret)"}"#
        let made = try await make(hub.client, "organisations/acme/webhooks", body)
        #expect(made.name == "ci" && made.secret == nil)
        try await hub.client.pushImage(to: "other/a", tag: "v1")
        try await hub.client.pushImage(to: "acme/a", tag: "v1")
        let told = try #require(try await receiver.next(1).first)
        #expect(told.isSigned(with: receiver.secret))
        #expect(try told.message.data.target.repository == "acme/a")
        #expect(await hub.stop(SIGTERM) == 0)
        // No longer allowed: what happens is kept, and sent nowhere.
        hub = try await HubProcess(
            data: data, options: ["--allow-anonymous-push"], environment: [hosts: "elsewhere.example.com"])
        try await hub.client.pushImage(to: "acme/a", tag: "v2")
        #expect(hub.errorText.contains("a webhook is told nothing"))
        let refused = try await hub.client.send(
            "POST", "/api/v1/organisations/acme/webhooks", Self.json,
            body: Array(body.replacing("\"ci\"", with: "\"more\"").utf8))
        #expect(refused.status == 403 && refused.text.contains("access.webhook-hosts"), "\(refused.text)")
        let state = try await hub.client.send("GET", "/api/v1/organisations/acme/webhooks/ci")
        #expect(try JSONDecoder().decode(Made.self, from: Data(state.body)).waiting == 1)
        // It goes with its organisation.
        #expect(try await hub.client.send("DELETE", "/api/v1/organisations/acme").status == 204)
        let command = try await HubProcess.run(["webhook", "list", "--data", data.string])
        #expect(command.stderr.contains("no webhooks"))
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `what is wrong is refused, and the configuration's webhooks are its own`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let receiver = try WebhookReceiver()
        let hub = try await HubProcess(data: data, options: ["--config", receiver.configuration.string])
        let url = #""url":"http://x.example.com/""#
        for (body, status) in [
            (#"{"name":"ci",\#(url)}"#, 409), (#"{"name":"a/b",\#(url)}"#, 400),
            (#"{"name":"",\#(url)}"#, 400),
            (#"{"name":"a","url":"ftp://x"}"#, 400), (#"{"name":"a","url":"http://user@x/"}"#, 400),
            (#"{"name":"a","url":"http://169.254.169.254/latest"}"#, 400),
            (#"{"name":"a","url":"http://[fe80::1]:80/"}"#, 400),
            (#"{"name":"a",\#(url),"secret":"short"}"#, 400),
            (#"{"name":"a",\#(url),"secret":"whsec_%%%"}"#, 400),
            (#"{"name":"a",\#(url),"events":[]}"#, 400), (#"{"name":"a",\#(url),"events":["x"]}"#, 400),
            (#"{"name":"a",\#(url),"repositories":[]}"#, 400),
            (#"{"name":"a",\#(url),"repositories":["ACME/*"]}"#, 400),
            (#"{"name":"a",\#(url),"attempts":0}"#, 400), (#"{"name":"a",\#(url),"stranger":1}"#, 400),
            (#"{"name":"a"}"#, 400), ("[]", 400),
        ] {
            let reply = try await hub.client.send(
                "POST", "/api/v1/webhooks", Self.json, body: Array(body.utf8))
            #expect(reply.status == status, "\(body): \(reply.status) \(reply.text)")
        }
        let listed = try await hub.client.send("GET", "/api/v1/webhooks/ci")
        #expect(listed.text.contains(#""isConfigured":true"#))
        #expect(try await hub.client.send("DELETE", "/api/v1/webhooks/ci").status == 403)
        let change = try await hub.client.send(
            "PATCH", "/api/v1/webhooks/ci", Self.json, body: Array(#"{"attempts":3}"#.utf8))
        #expect(change.status == 403 && change.text.contains("configuration"), "\(change.text)")
        let ping = try await hub.client.send("POST", "/api/v1/webhooks/ci/ping", body: [])
        #expect(ping.status == 202)
        #expect(try await receiver.next(1).first?.isSigned(with: receiver.secret) == true)
        for number in 0..<19 {
            _ = try await make(hub.client, "webhooks", #"{"name":"n\#(number)",\#(url)}"#)
        }
        let many = try await hub.client.send(
            "POST", "/api/v1/webhooks", Self.json, body: Array(#"{"name":"more",\#(url)}"#.utf8))
        #expect(many.status == 400 && many.text.contains("there are 20 webhooks"), "\(many.text)")
        #expect(await hub.stop(SIGTERM) == 0)
        // A name that the API has given is not taken over by the configuration.
        let other = try scratch.write(
            "other.yaml",
            "webhooks: [{name: n1, url: 'http://x.example.com', secret-variable: SECRET}]\n")
        let start = try await HubProcess.run(
            ["serve", "--data", data.string, "--listen", "127.0.0.1:0", "--config", other.string],
            environment: ["SECRET": receiver.secret])
        #expect(start.status == 64 && start.stderr.contains("\"n1\""), "\(start.stderr)")
    }

    @Test func `an organisation's webhooks are about its own repositories`() async throws {
        try await withTown { town in
            for (patterns, status) in [
                (#"["*"]"#, 400), (#"["other/*"]"#, 400), (#"["acme/*","acmex/a"]"#, 400),

                (#"["acme/open","acme/secret"]"#, 201),
            ] {
                let body = #"{"name":"ci","url":"https://ci.example.com","repositories":\#(patterns)}"#
                let reply = try await town.hub.client.send(
                    "POST", "/api/v1/organisations/acme/webhooks",
                    Town.basic("ada", "secret").merging(Self.json) { $1 }, body: Array(body.utf8))
                #expect(reply.status == status, "\(patterns): \(reply.text)")
            }
            // Whose it is not sees none of it, and the hub's own list has it not.
            for (user, path, status) in [
                ("eve", "organisations/acme/webhooks", 404), ("rea", "organisations/acme/webhooks", 403),
                ("ada", "webhooks", 403), ("root", "webhooks/ci", 404),
                ("root", "organisations/eve/webhooks", 404),
            ] {
                let reply = try await town.hub.client.send(
                    "GET", "/api/v1/\(path)", Town.basic(user, "secret"))
                #expect(reply.status == status, "\(user) \(path): \(reply.text)")
            }
        }
    }

    @Test func `hosts are allowed whole, with a port, or by their domain`() throws {
        let rules = AllowedReceivers(hosts: ["ci.example.com", "*.hooks.example", "10.0.0.7:8080", "[::1]"])
        let acme = try AccountName("acme")
        for (url, isAllowed) in [
            ("https://ci.example.com/x", true), ("https://CI.example.com:8443/x", true),
            ("https://a.hooks.example/", true), ("https://hooks.example/", false),
            ("https://xhooks.example/", false), ("http://10.0.0.7:8080/", true), ("http://10.0.0.7/", false),
            ("http://[::1]/", true), ("http://[::1]:5000/", true), ("http://[::2]/", false),
            ("https://ci.example.com.evil.example/", false), ("http://127.0.0.1/", false),
        ] {
            let origin = try? rules.origin(of: url, for: acme)
            #expect((origin != nil) == isAllowed, "\(url)")
            #expect((try? rules.origin(of: url, for: nil)) != nil, "\(url)")
        }
        #expect(throws: HubError.self) {
            try AllowedReceivers(hosts: ["*"]).origin(of: "http://169.254.169.254/", for: acme)
        }
    }
}
