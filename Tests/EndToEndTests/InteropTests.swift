// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Registries and clients that nobody of us wrote.
@Suite struct InteropTests {
    @Test(.requires(.swift), .requires(.registry), .requires(.skopeo))
    func `a foreign client moves an image from a foreign registry into our hub unchanged`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let skopeo = try #require(Tool.skopeo.path)
        let (hub, ours) = try await newcomer.startHub(data: "interop-hub")
        try await DockerRegistry.run { registry in
            let there = "\(registry.address)/team/add-header:v1"
            try await newcomer.does("tag", "add-header:v1", there)
            let pushed = try await newcomer.does("push", there, "-q")
            let copied = try await run(
                skopeo,
                [
                    "copy", "--src-tls-verify=false", "--dest-tls-verify=false", "docker://\(there)",
                    "docker://\(ours)/team/add-header:v1",
                ])
            #expect(copied.status == 0, "\(copied.stderr)")
            let store = newcomer.scratch.appending("interop-store").string
            let digest = pushed.trimmingCharacters(in: .newlines)
            let pulled = try await newcomer.does(
                "pull", "\(ours)/team/add-header@\(digest)", "--store", store, "-q")
            #expect(pulled == pushed)
        }
        await hub.stop()
    }

    @Test(.requires(.swift), .requires(.registry))
    func `what a registry has already is not sent again`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        try await DockerRegistry.run { registry in
            let image = "\(registry.address)/team/twice:v1"
            try await newcomer.does("tag", "add-header:v1", image)
            let first = try await newcomer.does("push", image, "-q")
            #expect(try await newcomer.does("push", image, "-q") == first)
            let uploads = registry.log.split(separator: "\n").count {
                $0.contains("POST /v2/team/twice/blobs/uploads/")
            }
            #expect(uploads == 3, "the configuration and two layers, once each:\n\(registry.log)")
        }
    }

    @Test(.requires(.swift), .requires(.registry)) func `a registry that wants to know who asks is told`()
        async throws
    {
        let newcomer = try await BuiltFilter.shared.value
        try await DockerRegistry.run(withUsers: true) { registry in
            let image = "\(registry.address)/team/private:v1"
            try await newcomer.does("tag", "add-header:v1", image)
            let refused = try await newcomer.wasme("push", image)
            #expect(refused.status == 77, "\(refused.stderr)")
            let config = Data("me:s3cret".utf8).base64EncodedString()
            try newcomer.scratch.write(
                "login/config.json", #"{"auths": {"\#(registry.address)": {"auth": "\#(config)"}}}"#)
            let pushed = try await newcomer.wasme(
                "push", image, environment: ["DOCKER_CONFIG": newcomer.scratch.appending("login").string])
            #expect(pushed.status == 0, "\(pushed.stderr)")
        }
    }

    @Test(.requires(.swift)) func `our hub takes images from those who logged in and may push`() async throws
    {
        let newcomer = try await BuiltFilter.shared.value
        let data = newcomer.scratch.appending("closed-hub").string
        for (name, options) in [("root", ["--admin"]), ("me", [])] {
            let added = try await run(
                buildFolder.appending("wasme-hub"),
                ["user", "add", name, "--password-stdin", "--data", data] + options, input: "long enough")
            #expect(added.status == 0, "\(added.stderr)")
        }
        let (hub, address) = try await newcomer.startHub(data: "closed-hub")
        let login = ["DOCKER_CONFIG": newcomer.scratch.appending("closed-login").string]
        let image = "\(address)/me/filter:v1"
        let foreign = "\(address)/root/filter:v1"
        for name in [image, foreign] { try await newcomer.does("tag", "add-header:v1", name) }
        #expect(try await newcomer.wasme("push", image, environment: login).status == 77)
        let wrong = try await newcomer.wasme(
            "login", address, "-u", "me", "--password-stdin", environment: login, input: "a wrong one")
        #expect(wrong.status == 77, "\(wrong.stderr)")
        let right = try await newcomer.wasme(
            "login", address, "-u", "me", "--password-stdin", environment: login, input: "long enough")
        #expect(right.status == 0, "\(right.stderr)")
        let pushed = try await newcomer.wasme("push", image, "-q", environment: login)
        #expect(pushed.status == 0, "\(pushed.stderr)")
        let store = newcomer.scratch.appending("closed-store").string
        let pulled = try await newcomer.wasme("pull", image, "--store", store, "-q", environment: login)
        #expect(pulled.stdout == pushed.stdout, "\(pulled.stderr)")
        #expect(try await newcomer.wasme("push", foreign, environment: login).status == 77)
        #expect(try await newcomer.wasme("pull", image, "--store", store).status == 77)
        await hub.stop()
    }
}
