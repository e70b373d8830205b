// SPDX-License-Identifier: Apache-2.0

import Deployment
import OCI
import TestSupport
import Testing

/// What becomes what.
@Suite struct MigrationPlanTests {
    private func ids(_ plan: MigrationPlan) -> [String] { plan.steps.flatMap(\.documents).map(\.name) }

    private func labels(_ plan: MigrationPlan) -> [[String: String]] {
        plan.steps.flatMap(\.documents).map { file in
            if case .istio(let place, _, _) = file.target { place.labels } else { [:] }
        }
    }

    // MARK: - Several workloads

    @Test func `filters of one id whose workloads have the same labels are one deployment`() throws {
        let plan = try OriginalSamples.plan([
            OriginalSamples.filter("one", labels: "{app: web}"),
            OriginalSamples.filter("two", labels: "{app: web}"),
        ])
        #expect(ids(plan) == ["auth"])
        #expect(labels(plan) == [["app": "web"]])
        #expect(plan.replaced.map(\.name) == ["one-auth", "two-auth"])
    }

    @Test func `common labels are taken only if no other workload has them`() throws {
        let filters = [
            OriginalSamples.filter("v1", labels: "{app: web, version: v1}"),
            OriginalSamples.filter("v2", labels: "{app: web, version: v2}"),
        ]
        let own = [
            OriginalSamples.workload("v1", labels: "{app: web, version: v1}"),
            OriginalSamples.workload("v2", labels: "{app: web, version: v2}"),
        ]
        let known = try OriginalSamples.plan(filters + own, knowsWorkloads: true)
        #expect(ids(known) == ["auth"])
        #expect(labels(known) == [["app": "web"]])
        let third = OriginalSamples.workload("v3", kind: "StatefulSet", labels: "{app: web, version: v3}")
        let split = try OriginalSamples.plan(filters + own + [third], knowsWorkloads: true)
        #expect(ids(split) == ["auth-v1", "auth-v2"])
        #expect(labels(split) == [["app": "web", "version": "v1"], ["app": "web", "version": "v2"]])
        // Who does not know all workloads cannot tell.
        #expect(try ids(OriginalSamples.plan(filters + own)) == ["auth-v1", "auth-v2"])
        try expectGolden(OriginalSamples.yaml(split), "Deployment/migration/split.yaml")
    }

    @Test func `filters of one id that differ are one deployment each, and no id is that of an old object`()
        throws
    {
        let plan = try OriginalSamples.plan([
            OriginalSamples.filter("a"),
            OriginalSamples.filter("b", value: OriginalSamples.typed(configuration: "{}")),
            OriginalSamples.filter("auth", id: "b", value: OriginalSamples.typed("b")),
        ])
        // "auth-b" is the original's object for the workload "auth".
        #expect(ids(plan) == ["auth-a", "auth-b-wasme", "b"])
        #expect(plan.steps.map(\.replaced.count) == [2, 1])
    }

    @Test func `an id that is no label of DNS becomes one, and stays distinct`() throws {
        let long = String(repeating: "x", count: 80)
        let plan = try OriginalSamples.plan([
            OriginalSamples.filter(id: "\(long)a"), OriginalSamples.filter(id: "\(long)b"),
        ])
        #expect(Set(ids(plan)).count == 2)
        #expect(ids(plan).allSatisfy { $0.utf8.count <= 63 })
        for id in ids(plan) { try KubernetesNames.check(id: id) }
    }

    // MARK: - An earlier run

    private func present(
        _ id: String, _ labels: [String: String], configuration: String
    ) throws
        -> MigrationPlan.Present
    {
        var deployment = FilterDeployment(id: id, image: nil, digest: try OriginalSamples.image().1[0].digest)
        deployment.configuration = configuration
        return .init(namespace: "shop", labels: labels, deployment: deployment)
    }

    @Test func `a run that goes on where another one stopped chooses the same`() throws {
        // The first filter of two is gone: what is deployed for both keeps its labels.
        let whole = try OriginalSamples.plan(
            [OriginalSamples.filter("v2", labels: "{app: web, version: v2}")],
            present: [try present("auth", ["app": "web"], configuration: "{\"a\": 1}")])
        #expect(labels(whole) == [["app": "web"]])
        let split = try OriginalSamples.plan(
            [OriginalSamples.filter("v2", labels: "{app: web, version: v2}")],
            present: [
                try present("auth-v2", ["app": "web", "version": "v2"], configuration: "{\"a\": 1}")
            ])
        #expect(ids(split) == ["auth-v2"])
    }

    @Test func `a deployment that is there with another configuration is not overwritten`() throws {
        let plan = try OriginalSamples.plan(
            [OriginalSamples.filter()], present: [try present("auth", ["app": "web"], configuration: "{}")])
        #expect(plan.steps.isEmpty)
        #expect(plan.leftAlone.first?.reason.contains("there is a deployment \"auth\" already") == true)
    }

    // MARK: - Deployments of the operator

    @Test func `a deployment and its filters are migrated once, and pinned to what runs`() throws {
        let plan = try OriginalSamples.plan([
            OriginalSamples.filter(owner: "auth"), OriginalSamples.deployment(id: "auth"),
            OriginalSamples.filter("other", id: "second"),
        ])
        #expect(ids(plan) == ["auth", "second"])
        #expect(plan.steps[0].replaced.map(\.kind) == ["FilterDeployment", "EnvoyFilter"])
        try expectGolden(OriginalSamples.yaml(plan), "Deployment/migration/operator.yaml")
    }

    @Test func `filters belong to a deployment by their name too, with the id that the operator chose`()
        throws
    {
        let plan = try OriginalSamples.plan([
            OriginalSamples.deployment(), OriginalSamples.filter(id: "auth.shop"),
        ])
        #expect(ids(plan) == ["auth"])
        #expect(plan.steps.first?.replaced.count == 2)
    }

    @Test func `labels of workloads that their pods do not have are replaced by those of the pods`() throws {
        let plan = try OriginalSamples.plan([
            OriginalSamples.deployment(labels: "{team: edge}"), OriginalSamples.filter(owner: "auth"),
        ])
        #expect(labels(plan) == [["app": "web"]])
        let unknown = try OriginalSamples.plan([OriginalSamples.deployment(labels: "{team: edge}")])
        #expect(labels(unknown) == [["team": "edge"]])
        #expect(unknown.notes.contains { $0.contains("no EnvoyFilter shows which pods it reached") })
    }

    @Test func `what nobody said keeps the original's meaning`() throws {
        let plan = try OriginalSamples.plan([OriginalSamples.deployment(labels: nil)])
        let filter = try #require(plan.steps.first?.documents.first?.filter)
        #expect(filter.patchContext == .inbound)
        #expect(plan.notes.contains { $0.contains("in every proxy of the namespace") })
        let gateway = try OriginalSamples.plan([
            OriginalSamples.deployment(kind: "daemonset", more: ", patchContext: gateway")
        ])
        guard case .istio(_, let options, let original) = gateway.steps.first?.documents.first?.target else {
            Issue.record("no document for Istio")
            return
        }
        #expect(options.isGateway)
        #expect(original.workloadKind == nil)
    }

    @Test func `deployments that are not the original's, or were edited, stay with their filters`() throws {
        let ours = try OriginalSamples.plan([OriginalSamples.deployment(kind: nil)])
        #expect(ours.steps.isEmpty)
        #expect(ours.leftAlone.map(\.object.kind) == ["FilterDeployment"])
        let unknown = try OriginalSamples.plan([
            OriginalSamples.deployment(more: ", retries: 3"), OriginalSamples.filter(owner: "auth"),
        ])
        #expect(unknown.steps.isEmpty)
        #expect(unknown.leftAlone.map(\.object.kind) == ["FilterDeployment", "EnvoyFilter"])
        #expect(unknown.leftAlone.first?.reason.contains("retries") == true)
        // The API server would collect an edited filter with its owner.
        let edited = try OriginalSamples.plan([
            OriginalSamples.deployment(),
            OriginalSamples.filter(owner: "auth").replacing("INSERT_BEFORE", with: "INSERT_AFTER"),
        ])
        #expect(edited.steps.isEmpty)
        #expect(edited.leftAlone.count == 2)
    }

    @Test func `a filter whose module is in no image is missing, and the others are done`() throws {
        let other = String(repeating: "12", count: 32)
        let plan = try OriginalSamples.plan([
            OriginalSamples.filter(),
            OriginalSamples.filter("api", id: "log", value: OriginalSamples.typed("log", module: other)),
        ])
        #expect(ids(plan) == ["auth"])
        #expect(plan.missing.map(\.object.name) == ["api-log"])
    }

    // MARK: - Gloo

    private static func gateway(_ filters: String, annotations: String = "{}") -> String {
        """
        apiVersion: gateway.solo.io/v1
        kind: Gateway
        metadata: {name: gateway-proxy, namespace: gloo-system, annotations: \(annotations)}
        spec: {httpGateway: {options: {wasm: {filters: [\(filters)]}}}}

        """
    }

    @Test func `filters of a gateway of Gloo become deployments, once`() throws {
        let filter =
            "{image: 'hub.example.org/acme/auth:v1', name: auth, rootId: auth_root, vmType: V8, config: {'@type': type.googleapis.com/google.protobuf.StringValue, value: hi}, filterStage: {stage: AuthNStage, predicate: After}}"
        let strange = "{image: 'a/b:v1', name: strange, filePath: /x}"
        let plan = try OriginalSamples.plan([Self.gateway("\(filter), \(strange)")])
        try expectGolden(OriginalSamples.yaml(plan), "Deployment/migration/gloo.yaml")
        #expect(plan.replaced.isEmpty)
        #expect(plan.leftAlone.map(\.reason).count == 1)
        let again = try OriginalSamples.plan([
            Self.gateway(filter, annotations: "{auth.wasme.io/digest: 'sha256:x'}")
        ])
        #expect(again.isEmpty)
    }
}
