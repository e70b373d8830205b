// SPDX-License-Identifier: Apache-2.0

import Deployment
import HostProfiles
import JSON
import OCI
import Testing

@Suite struct TargetRuleTests {
    private func warnings(
        _ version: String, _ change: (inout KubernetesRequest) -> Void = { _ in }
    ) throws
        -> [String]
    {
        let request = try Samples.request(labels: ["app": "shop"], version: version, change: change)
        return try Samples.istio(.wasmPlugin, for: request).plan(request).warnings
            .filter { !$0.contains("floating point") }
    }

    @Test func `versions shape what is rendered and never refuse`() throws {
        #expect(try warnings("1.30") == [])
        #expect(
            try warnings("1.15") { $0.deployment.match = [.init(ports: [80])] } == [
                "Istio 1.15 does not know WasmPlugin.match, which came with 1.16"
            ])
        #expect(
            try warnings("1.24") { $0.deployment.failurePolicy = .reload }.first?.contains("fails closed")
                == true)
        #expect(try warnings("9.9") == ["Istio 9.9 is newer than what is known of it"])
        #expect(try warnings("1.2") == ["nothing is known of Istio (WasmPlugin) 1.2"])
        // Closed is all that versions without the field can do.
        #expect(try warnings("1.18") { $0.deployment.failurePolicy = .closed } == [])
        for (version, strategy) in [("1.26", nil), ("1.27", "FAIL_RELOAD"), (nil, nil)]
            as [(String?, String?)]
        {
            let request = try Samples.request(version: version)
            let spec = try Samples.istio(.wasmPlugin, for: request).plan(request).objects[0].value["spec"]
            #expect(spec?["failStrategy"] == strategy.map { .string($0) })
        }
    }

    @Test func `digests are pinned and numbers stay exact`() throws {
        for (name, plan) in try Samples.plans() where !["consul-entry"].contains(name) {
            #expect(plan.objects.contains { $0.annotations.values.contains(Samples.digest) }, "\(name)")
        }
        let request = try Samples.request()
        let plan = try Samples.istio(.wasmPlugin, for: request).plan(request)
        #expect(plan.text.contains("limit: 9007199254740993\n"))
        #expect(plan.text.contains("oci://hub.example/acme/add-header@\(Samples.digest)"))
        #expect(!plan.text.contains("oci://hub.example/acme/add-header:v1"))
        #expect(plan.warnings.contains { $0.contains("9007199254740993") })
    }

    @Test func `what no API server would take is refused before it is sent`() throws {
        func message(_ change: (inout KubernetesRequest) throws -> Void) throws -> String {
            let request = try Samples.request(change: change)
            let target = Samples.istio(.wasmPlugin, for: request)
            return try #require(#expect(throws: DeploymentError.self) { try target.plan(request) }).message
        }
        #expect(try message { $0.deployment.id = "Add_Header" }.contains("\"Add_Header\""))
        #expect(
            try message { $0.deployment.id = String(repeating: "a", count: 64) }.contains("64 characters"))
        #expect(try message { $0.place.namespace = "My Shop" }.contains("\"My Shop\""))
        #expect(try message { $0.place.labels = ["a/b/c": "d"] }.contains("\"a/b/c\""))
        #expect(
            try message { $0.place.labels = ["app": String(repeating: "a", count: 64)] }.contains("63"))
        #expect(try message { $0.place.pullSecret = "not a name" }.contains("\"not a name\""))
        #expect(try message { $0.deployment.match = [.init(ports: [0])] }.contains("0 is no port"))
        #expect(try message { $0.deployment.priority = 1 << 40 }.contains("too large"))
        #expect(try message { $0.deployment.image = nil }.contains("only on this machine"))
        #expect(
            try message {
                $0.deployment.configuration = "{\"a\": \"\(String(repeating: "x", count: 1_600_000))\"}"
            }.contains("1.5 MiB"))
        #expect(
            try message {
                $0.place.labels = ["app": "shop"]
                $0.place.targets = [Samples.route]
            }.contains("not both"))
    }

    @Test func `an id that cannot be a name is answered with one that can`() {
        #expect(KubernetesNames.dnsLabel("Add_Header v2!") == "add-header-v2")
        #expect(KubernetesNames.dnsLabel("--a--") == "a")
        #expect(KubernetesNames.dnsLabel("ÄÖ") == "")
        #expect(KubernetesNames.dnsLabel(String(repeating: "a", count: 80)).count == 63)
    }

    @Test func `filters of others stay in an object that all share, and ours goes out again`() throws {
        let live = [try JSONValue(parsing: Samples.otherFilter)]
        let request = try Samples.request(namespace: nil) { $0.live = live }
        let object = try GlooTarget().plan(request).objects[0]
        #expect(object.isShared)
        let filters = object.value["spec"]?["httpGateway"]?["options"]?["wasm"]?["filters"]
        guard case .list(let list)? = filters else { return #expect(filters != nil) }
        #expect(list.map { $0["name"] } == ["theirs", "add-header"])
        // Other settings of the gateway are not ours to say.
        #expect(object.value["spec"]?["bindPort"] == nil)
        #expect(object.labels == [:])
        #expect(object.annotations["add-header.wasme.io/digest"] == Samples.digest)

        let applied = object.value.json
        #expect(KubernetesStamp.deployments(in: applied) == ["add-header"])
        var place = KubernetesPlace()
        place.namespace = "gloo-system"
        let rest = try #require(GlooTarget().removal(of: "add-header", at: place, live: [applied]))
        let left = rest.value["spec"]?["httpGateway"]?["options"]?["wasm"]?["filters"]
        #expect(left == [["name": "theirs", "image": "hub.example/theirs:v1", "failOpen": true]])
        #expect(GlooTarget().removal(of: "unknown", at: place, live: [applied]) == nil)
    }

    @Test func `an update of a shared list keeps the place of its item`() throws {
        let request = try Samples.request { $0.live = [try JSONValue(parsing: Samples.otherExtension)] }
        let object = try ConsulTarget(Samples.consul()).plan(request).objects[0]
        guard case .list(let list)? = object.value["spec"]?["envoyExtensions"] else {
            return #expect(Bool(false))
        }
        // Ours was there under names in another case, and is found.
        #expect(list.map { $0["name"] } == ["builtin/lua", "builtin/wasm"])
    }

    @Test func `targets that need to know more say what`() throws {
        let request = try Samples.request()
        let gateway = #expect(throws: DeploymentError.self) { try EnvoyGatewayTarget().plan(request) }
        #expect(gateway?.hint?.contains("HTTPRoute/NAME") == true)
        var consul = Samples.consul()
        consul.module = .remote(url: "https://m.example/f.wasm", sha256: try Digest(Samples.moduleDigest))
        #expect(throws: DeploymentError.self) { try ConsulTarget(consul).plan(request) }
        #expect(throws: DeploymentError.self) {
            try CiliumTarget(CiliumOptions(services: [], modulePath: "/f.wasm")).plan(request)
        }
        let elsewhere = CiliumOptions(
            services: [.init(name: "web", namespace: "cart")], modulePath: "/f.wasm")
        #expect(throws: DeploymentError.self) { try CiliumTarget(elsewhere).plan(request) }
        let broken = KumaOptions(
            module: .remote(url: "ftp://m.example/f.wasm", sha256: try Digest(Samples.moduleDigest)))
        #expect(throws: DeploymentError.self) { try KumaTarget(broken).plan(request) }
    }
}
