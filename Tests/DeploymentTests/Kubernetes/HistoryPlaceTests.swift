// SPDX-License-Identifier: Apache-2.0

import Deployment
import JSON
import OCI
import Testing

/// Where a revision ran, and what its target was told.
@Suite struct HistoryPlaceTests {
    /// Every target with all that it can be told.
    static func targets() throws -> [FilterDeploymentFile.Target] {
        var place = KubernetesPlace()
        place.labels = ["app": "web", "on": "1e5"]
        place.targets = [
            .init(group: "", kind: "Service", name: "reviews"),
            .init(group: Samples.route.group, kind: "Gateway", name: "edge", sectionName: "https"),
        ]
        place.pullSecret = "registry"
        var attached = place
        attached.labels = [:]
        var bare = KubernetesPlace()
        bare.pullSecret = "registry"
        var labelled = KubernetesPlace()
        labelled.labels = ["app": "web"]
        var istio = IstioOptions()
        istio.kind = .envoyFilter
        istio.isGateway = true
        istio.allowsStopIteration = false
        istio.reloadBackoff = .init(base: 250, maximum: 30_000)
        var gateway = EnvoyGatewayOptions()
        gateway.mergeType = .json
        gateway.certificateAuthority = "ca"
        var gloo = GlooOptions()
        gloo.gateway = "edge"
        gloo.stage = .authz
        gloo.predicate = .after
        gloo.modulePath = "/m.wasm"
        var rule = HigressOptions.Rule()
        rule.ingresses = ["shop/web"]
        rule.domains = ["*.example.com"]
        rule.services = ["web.shop"]
        rule.routeType = .grpc
        rule.configuration = try JSONValue(
            parsing: "{\"a\": 1.50, \"b\": \"\u{85} ü \\ud83d\\ude00 \\\"on\\\"\\n\"}"
        ).object
        rule.isDisabled = true
        var higress = HigressOptions()
        higress.rules = [rule]
        higress.isDefaultDisabled = true
        var kuma = KumaOptions(module: .file("/m.wasm"))
        kuma.mesh = "other"
        kuma.volume = "wasm"
        let remote = ModuleSource.remote(
            url: "https://hub.example/m.wasm", sha256: try Digest(Samples.moduleDigest))
        var consul = ConsulOptions(service: "web", module: remote)
        consul.moduleService = "modules"
        var cilium = CiliumOptions(
            services: [.init(name: "web", namespace: "shop", port: 8080), .init(name: "b", namespace: "c")],
            modulePath: "/m.wasm")
        cilium.isClusterwide = true
        return [
            .istio(place, istio, .init()), .envoyGateway(attached, gateway), .gloo(.init(), gloo),
            .higress(bare, higress), .kuma(labelled, kuma), .kuma(labelled, KumaOptions(module: remote)),
            .consul(.init(), consul), .cilium(.init(), cilium),
        ]
    }

    @Test func `what a target was told is read back as it was, without the namespace`() throws {
        for target in try Self.targets() {
            var there = try #require(target.place)
            there.namespace = "shop"
            var history = KubernetesHistory()
            history.add(
                try KubernetesHistoryTests.full(), at: target.at(there), author: "a", time: "t")
            let read = KubernetesHistory(id: "add-header", annotation: history.annotation)
            #expect(read == history, "\(history.annotation)")
            #expect(read.revisions.map(\.target) == [target])
            // Where else the same is, is another deployment of it; the namespace is the object's.
            there.namespace = "other"
            history.add(
                try KubernetesHistoryTests.full(), at: target.at(there), author: "b", time: "u")
            #expect(history == read)
        }
        #expect(Set(try Self.targets().map(\.word)).count == 7)
    }

    @Test func `other options are another revision, and each target writes what it was made of`() throws {
        for target in try Self.targets() {
            let request = try Samples.request()
            var place = try #require(target.place)
            place.namespace = "shop"
            let renderer = try #require(target.renderer(for: request))
            #expect(renderer.name == target.word)
            #expect(renderer.written(at: place) == target.at(place))
        }
        var history = KubernetesHistory()
        for gateway in ["a", "b", "b", "a"] {
            var options = GlooOptions()
            options.gateway = gateway
            history.add(
                try Samples.deployment(), at: .gloo(.init(), options), author: "a", time: "t")
        }
        #expect(history.revisions.map(\.number) == [1, 2, 3])
    }

    @Test func `annotations of older versions are read, and the same again only adds where it is`() throws {
        // As version 0.1 wrote it, with every field.
        let text =
            #"[{"revision":4,"by":"alice","at":"2026-01-01T00:00:00Z","digest":"\#(Samples.digest)","image":"hub.example/acme/add-header:v1","type":"network","rootID":"r","vmID":"vm","config":"{\"a\": 1}","vmConfig":"","env":{"A":"b","C":null},"failurePolicy":"FAIL_OPEN","capabilities":[],"phase":"stats","priority":-7,"match":[{"mode":"client","ports":[1,65535]},{"mode":"both","ports":[]}]}]"#
        var history = KubernetesHistory(id: "add-header", annotation: text)
        let read = try #require(history.revisions.first)
        var expected = try Samples.deployment("{\"a\": 1}")
        expected.kind = .network
        expected.rootID = "r"
        expected.vmID = "vm"
        expected.vmConfiguration = ""
        expected.environment = ["A": .value("b"), "C": .host]
        expected.failurePolicy = .open
        expected.capabilities = []
        expected.phase = .stats
        expected.priority = -7
        expected.match = [.init(mode: .client, ports: [1, 65535]), .init()]
        #expect(read.deployment == expected)
        #expect(read.number == 4 && read.target == nil && history.annotation == text)
        history.add(expected, at: KubernetesHistoryTests.target, author: "bob", time: "later")
        #expect(history.revisions.map(\.number) == [4])
        #expect(history.revisions.map(\.author) == ["alice"])
        #expect(history.revisions.map(\.target) == [KubernetesHistoryTests.target])
    }

    @Test(arguments: [
        #"{"nowhere": {}}"#, #"{"istio": {}, "gloo": {}}"#, #"{"kuma": {}}"#, #"{"istio": {"new": 1}}"#, "[]",
    ])
    func `a revision whose target is not understood is left out`(_ target: String) {
        let text =
            #"[{"revision":1,"by":"a","at":"t","digest":"\#(Samples.digest)","target":\#(target)}]"#
        #expect(KubernetesHistory(id: "a", annotation: text).revisions.isEmpty)
    }

    @Test func `rules that are too large leave their digest`() throws {
        var rule = HigressOptions.Rule()
        rule.domains = (0..<20_000).map { "host-\($0).example.com" }
        var options = HigressOptions()
        options.rules = [rule]
        var history = KubernetesHistory()
        let deployment = try Samples.deployment()
        history.add(deployment, at: .higress(.init(), options), author: "a", time: "t")
        history.add(deployment, at: .higress(.init(), options), author: "b", time: "later")
        #expect(history.revisions.map(\.author) == ["a"])
        #expect(history.annotation.utf8.count < 1000)
        let read = KubernetesHistory(id: "add-header", annotation: history.annotation)
        #expect(read == history)
        let error = #expect(throws: DeploymentError.self) { try read.revision(1) }
        #expect(error?.message.contains("options of revision 1 was too large") == true, "\(error as Any)")
        history.add(deployment, at: .higress(.init(), .init()), author: "b", time: "later")
        #expect(history.revisions.map(\.number) == [1, 2])
    }

    @Test func `of several objects the filter itself keeps the history`() throws {
        var options = try Samples.kuma()
        options.volume = "wasm"
        let objects = try KumaTarget(options).plan(try Samples.request()).objects
        #expect(objects.map(\.kind) == ["ContainerPatch", "MeshProxyPatch"])
        #expect(objects.map { $0.annotations["wasme.io/history"] != nil } == [false, true])
        #expect(objects.allSatisfy { $0.annotations["wasme.io/deployed-by"] == "alice@laptop" })
    }

    @Test func `in an object of others each deployment keeps its own annotations`() throws {
        func request(_ id: String, _ live: [JSONValue]) throws -> KubernetesRequest {
            try Samples.request(namespace: nil) { request in
                request.deployment.id = id
                request.live = live
            }
        }
        let target = GlooTarget()
        let first = try target.plan(try request("first", [])).objects[0]
        let both = try target.plan(try request("second", [first.value.json])).objects[0]
        #expect(first.annotations.count == 4)
        #expect(both.annotations.count == 8)
        #expect(KubernetesStamp.deployments(in: both.value.json).sorted() == ["first", "second"])
        for id in ["first", "second"] {
            let history = KubernetesStamp.history(of: id, in: both.value.json)
            #expect(history.revisions.map(\.deployment.id) == [id])
        }
        var place = KubernetesPlace()
        place.namespace = "gloo-system"
        let rest = try #require(target.removal(of: "first", at: place, live: [both.value.json]))
        #expect(rest.annotations.keys.allSatisfy { $0.hasPrefix("second.wasme.io/") })
        #expect(rest.annotations.count == 4)
    }
}
