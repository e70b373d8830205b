// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
@testable import HubOutbound
import HubStorage
import LoopbackServer
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Who wants to know what happens is told, by the real program.
@Suite(.timeLimit(.minutes(3))) struct WebhookTests {
    private func start(_ receiver: WebhookReceiver, _ data: FilePath) async throws -> HubProcess {
        try await HubProcess(data: data, options: ["--config", receiver.configuration.string])
    }

    private struct Listed: Decodable {
        let waiting: Int
        let dead: Int
    }

    /// How the only webhook of a folder fares.
    private func state(_ data: FilePath) async throws -> Listed {
        let list = try await HubProcess.run(["webhook", "list", "--data", data.string, "--format", "json"])
        try #require(list.status == 0, "\(list.stderr)")
        return try #require(try JSONDecoder().decode([Listed].self, from: Data(list.stdout.utf8)).first)
    }

    /// Looks until the webhook fares as expected.
    private func wait(_ data: FilePath, until isReached: (Listed) -> Bool) async throws {
        while try await !isReached(state(data)) { try await Task.sleep(for: .milliseconds(50)) }
    }

    @Test func `pushes and deletes come in their order, as signed CloudEvents`() async throws {
        let scratch = try ScratchDirectory("hub")
        let receiver = try WebhookReceiver()
        let hub = try await start(receiver, scratch.path.appending("data"))
        let image = try await hub.client.pushImage(to: "acme/proxy", tag: "v1")
        // What is not there is neither pushed nor deleted, and nobody hears of it.
        let absent = try ManifestDocument(
            Manifest(config: .empty, layers: [Descriptor(of: Array("x".utf8), mediaType: .octetStream)]))
        #expect(try await hub.client.putManifest(absent, to: "acme/proxy", as: "v2").status == 404)
        #expect(try await hub.client.send("DELETE", "/v2/acme/proxy/manifests/v9").status == 404)
        let path = "/v2/acme/proxy/manifests/\(image.digest)?tag=v2&tag=v3"
        let push = try await hub.client.send(
            "PUT", path, ["Content-Type": image.mediaType.rawValue], body: image.bytes)
        #expect(push.status == 201)
        #expect(try await hub.client.send("DELETE", "/v2/acme/proxy/manifests/v2").status == 202)
        #expect(try await hub.client.send("DELETE", "/v2/acme/proxy/manifests/\(image.digest)").status == 202)
        let requests = try await receiver.next(4)
        let messages = try requests.map { try $0.message }
        #expect(
            messages.map(\.type) == [
                "dev.wasme.hub.manifest.push", "dev.wasme.hub.manifest.push", "dev.wasme.hub.tag.delete",
                "dev.wasme.hub.manifest.delete",
            ])
        #expect(messages.map(\.data.action) == ["push", "push", "delete", "delete"])
        #expect(messages.map(\.data.target.tags) == [["v1"], ["v2", "v3"], ["v2"], ["v1", "v3"]])
        #expect(
            messages.map(\.subject) == [
                "acme/proxy@\(image.digest)", "acme/proxy@\(image.digest)", "acme/proxy:v2",
                "acme/proxy@\(image.digest)",
            ])
        #expect(messages.map(\.sequence) == messages.map(\.sequence).sorted())
        #expect(Set(messages.map(\.id)).count == 4)
        let first = try #require(messages.first)
        #expect(first.specversion == "1.0")
        #expect(first.datacontenttype == "application/json")
        #expect(first.data.target.digest == image.digest.description)
        #expect(first.data.target.mediaType == image.mediaType.rawValue)
        #expect(first.data.target.size == image.bytes.count)
        #expect(first.data.target.repository == "acme/proxy")
        #expect(first.data.actor.name == "anonymous")
        #expect(try Date(first.time, strategy: .iso8601).timeIntervalSinceNow < 60)
        for (request, message) in zip(requests, messages) {
            #expect(request.headers["content-type"] == "application/cloudevents+json")
            #expect(request.headers["webhook-id"] == message.id)
            #expect(request.isSigned(with: receiver.secret))
            #expect(!request.isSigned(with: "another"))
            let time = try #require(Double(request.headers["webhook-timestamp"] ?? ""))
            #expect(abs(time - Date().timeIntervalSince1970) < 60)
        }
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `a receiver that fails is tried again, and one repository waits for no other`() async throws {
        let scratch = try ScratchDirectory("hub")
        let failures = Mutex(2)
        let receiver = try WebhookReceiver { request in
            guard (try? request.message.data.target.repository) == "a" else { return 200 }
            return failures.withLock { failures in
                failures -= 1
                // A redirect is not followed, so that it is a failure.
                return failures >= 0 ? (failures == 1 ? 500 : 302) : 204
            }
        }
        let hub = try await start(receiver, scratch.path.appending("data"))
        try await hub.client.pushImage(to: "a", tag: "v1")
        try await hub.client.pushImage(to: "a", tag: "v2")
        try await hub.client.pushImage(to: "b", tag: "v1")
        let requests = try await receiver.next(5)
        let told = try requests.map { request in
            let target = try request.message.data.target
            return "\(target.repository):\(target.tag ?? "")"
        }
        #expect(told.filter { $0 != "b:v1" } == ["a:v1", "a:v1", "a:v1", "a:v2"])
        #expect(try #require(told.firstIndex(of: "b:v1")) < 4)
        // Each attempt is signed with its own time, over the same event.
        let attempts = try requests.filter {
            try $0.message.data.target.tag == "v1" && $0.message.data.target.repository == "a"
        }
        #expect(Set(attempts.compactMap { $0.headers["webhook-id"] }).count == 1)
        #expect(attempts.allSatisfy { $0.isSigned(with: receiver.secret) })
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `what was given up is shown without secrets and tried again by hand`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let isBroken = Mutex(true)
        let receiver = try WebhookReceiver(settings: "attempts: 1\nrepositories: [acme/*]") { _ in
            isBroken.withLock { $0 } ? 503 : 200
        }
        let hub = try await start(receiver, data)
        try await hub.client.pushImage(to: "other", tag: "v1")
        try await hub.client.pushImage(to: "acme/a", tag: "v1")
        try await hub.client.pushImage(to: "acme/a", tag: "v2")
        _ = try await receiver.next(2)
        try await wait(data) { $0.dead == 2 }
        let text = try await HubProcess.run(["webhook", "list", "--data", data.string])
        let deliveries = try await HubProcess.run(["webhook", "deliveries", "ci", "--data", data.string])
        #expect(deliveries.stdout.contains("\tmanifest.push\tacme/a sha256:"))
        #expect(deliveries.stdout.contains(" v2\tgiven up\t1 attempts\tthe receiver answered 503\n"))
        #expect(!deliveries.stdout.contains("other"))
        let nobody = try await HubProcess.run(["webhook", "retry", "nobody", "--data", data.string])
        #expect(nobody.status == 64)
        #expect(nobody.stderr.contains("there is no webhook \"nobody\""))
        isBroken.withLock { $0 = false }
        let retried = try await HubProcess.run(["webhook", "retry", "ci", "--data", data.string])
        #expect(retried.stdout == "2 deliveries are due\n")
        #expect(try await receiver.next(2).map { try $0.message.data.target.tag } == ["v1", "v2"])
        try await wait(data) { $0.dead == 0 && $0.waiting == 0 }
        #expect(await hub.stop(SIGTERM) == 0)
        for output in [text.stdout, deliveries.stdout, hub.errorText] {
            #expect(!output.isEmpty)
            for secret in ["hidden", receiver.secret] { #expect(!output.contains(secret), "\(output)") }
        }
    }

    @Test func `events wait for a receiver that is not there, over a restart, up to a limit`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let closed = try ClosedPort()
        let secret = try scratch.write("secret", "any secret that is long enough")
        let file = try scratch.write(
            "hub.yaml",
            "webhooks: [{name: ci, url: \"http://\(closed.authority)\", secret-file: \(secret), queue: 3}]\n")
        let hub = try await HubProcess(data: data, options: ["--config", file.string])
        for tag in ["v1", "v2", "v3", "v4"] { try await hub.client.pushImage(to: "a", tag: tag) }
        #expect(try await state(data).waiting == 3)
        #expect(try await state(data).dead == 1)
        #expect(await hub.stop(SIGTERM) == 0)
        // It has moved meanwhile.
        let receiver = try WebhookReceiver()
        let second = try await start(receiver, data)
        #expect(try await receiver.next(3).map { try $0.message.data.target.tag } == ["v1", "v2", "v3"])
        try await wait(data) { $0.waiting == 0 }
        #expect(try await state(data).dead == 1)
        #expect(await second.stop(SIGTERM) == 0)
        // Without it in the configuration what was given up stays until it is forgotten.
        let third = try await HubProcess(data: data)
        try await third.client.pushImage(to: "a", tag: "v5")
        #expect(try await state(data).waiting == 0)
        #expect(
            try await HubProcess.run(["webhook", "list", "--data", data.string]).stdout
                .contains("\tnot configured any more\t"))
        #expect(try await HubProcess.run(["webhook", "forget", "ci", "--data", data.string]).status == 0)
        let none = try await HubProcess.run(["webhook", "list", "--data", data.string])
        #expect(none.stderr == "note: no webhooks\n")
        #expect(await third.stop(SIGTERM) == 0)
    }

    @Test(arguments: [("7200", 7200), ("99999999", 86400), ("Sun, 06 Nov 1994 10:49:37 GMT", 7200)])
    func `a receiver that asks for more time has it, up to a day`(_ wish: String, _ seconds: Int) async throws
    {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let receiver = try WebhookReceiver(
            headers: [("Retry-After", wish), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")]) { _ in 503 }
        let hub = try await start(receiver, data)
        try await hub.client.pushImage(to: "a", tag: "v1")
        _ = try await receiver.next(1)
        struct Delivery: Decodable {
            let attempts: Int
            let dueAt: String
        }
        var delivery: Delivery?
        while delivery?.attempts != 1 {
            let list = try await HubProcess.run(
                ["webhook", "deliveries", "--data", data.string, "--format", "json"])
            delivery = try JSONDecoder().decode([Delivery].self, from: Data(list.stdout.utf8)).first
        }
        let due = try Date(try #require(delivery).dueAt, strategy: .iso8601)
        // What passed since is the machine's.
        #expect((Double(seconds) - 120...Double(seconds)).contains(due.timeIntervalSinceNow.rounded()))
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `a receiver that asks for less time than is usual does not have it`() {
        for attempt in 1...20 {
            let usual = min(Int64(1) << Int64(attempt - 1), 3600)
            for wish in [nil, Duration.zero, .seconds(1)] {
                let delay = WebhookCourier.delay(after: attempt, wish: wish)
                #expect((max(1, usual / 2)...usual).contains(delay), "\(attempt)")
            }
            #expect(WebhookCourier.delay(after: attempt, wish: .seconds(5000)) == 5000)
        }
    }

    @Test func `what a policy gives up is told, too`() async throws {
        try await withHub { hub in
            let store = hub.metadata.acting(for: .host)
            try await store.setWebhooks([
                Webhook(
                    name: "ci", origin: "http://x", repositories: ["*"],
                    kinds: [.tagDelete, .manifestDelete], queueLimit: 10)
            ])
            let image = try await hub.client.pushImage(to: "a", tag: "v1")
            try await hub.client.pushImage(to: "a", tag: "v2", layer: sampleBytes(3000))
            try await hub.registry.acting(for: .host).setPolicy(
                RepositoryPolicy(keepTags: 1, untaggedLifetime: 0), for: try PolicyScope("a"))
            let collected = try await hub.registry.collect()
            #expect(collected.tags == 1)
            #expect(collected.manifests == 1)
            let kept = try await store.deliveries(of: "ci", after: 0, limit: 10)
            #expect(kept.map(\.kind) == ["tag.delete", "manifest.delete"])
            #expect(kept.first?.event.target.tags == ["v1"])
            #expect(kept.last?.event.target.digest == image.digest)
            #expect(kept.allSatisfy { $0.event.actor.name == "host" })
        }
    }
}

/// No acknowledged push without its event, no event for a push that was not committed.
@Suite(.serialized, .timeLimit(.minutes(3))) struct WebhookDurabilityTests {
    /// Tags that several tasks note.
    private final class Names: Sendable {
        private let names = Mutex<Set<String>>([])
        var all: Set<String> { names.withLock(\.self) }

        /// Adds a name and says how many there are now.
        func add(_ name: String) -> Int {
            names.withLock { names in
                names.insert(name)
                return names.count
            }
        }
    }

    @Test func `kill -9 between commit and delivery loses no event and invents none`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let acknowledged = Names()
        for round in 0..<3 {
            // It takes a few events, then leaves the rest without an answer.
            let patience = Mutex(5)
            let receiver = try WebhookReceiver { _ in
                patience.withLock { patience in
                    patience -= 1
                    return patience >= 0 ? 200 : nil
                }
            }
            let hub = try await HubProcess(
                data: data, options: ["--config", receiver.configuration.string])
            await withTaskGroup { group in
                for worker in 0..<3 {
                    group.addTask {
                        // Ends with the connection that the kill breaks.
                        for number in 0... {
                            let layer = sampleBytes(
                                1000, seed: UInt64(round * 10_000 + worker * 1000 + number))
                            let image = try? await hub.client.pushImage(
                                to: "w\(worker)", tag: "r\(round)-\(number)", layer: layer)
                            guard image != nil else { return }
                            let count = acknowledged.add("w\(worker):r\(round)-\(number)")
                            if count >= 20 * (round + 1) { await hub.stop(SIGKILL) }
                        }
                    }
                }
            }
        }
        let told = Names()
        let receiver = try WebhookReceiver { request in
            if let target = try? request.message.data.target {
                _ = told.add("\(target.repository):\(target.tag ?? "")")
            }
            return 200
        }
        let hub = try await HubProcess(data: data, options: ["--config", receiver.configuration.string])
        var waiting = 1
        while waiting > 0 {
            let list = try await HubProcess.run(
                ["webhook", "list", "--data", data.string, "--format", "json"])
            struct Listed: Decodable { let waiting: Int }
            waiting = try JSONDecoder().decode([Listed].self, from: Data(list.stdout.utf8))[0].waiting
        }
        // Those that were taken before a kill may be missing here, and only those: five in each round.
        let all = told.all
        #expect(acknowledged.all.subtracting(all).count <= 15)
        #expect(acknowledged.all.intersection(all).count >= 45)
        for name in all {
            let parts = name.split(separator: ":")
            let reply = try await hub.client.send("GET", "/v2/\(parts[0])/manifests/\(parts[1])")
            #expect(reply.status == 200, "\(name) was told and is not there")
        }
        #expect(await hub.stop(SIGTERM) == 0)
    }
}
