// SPDX-License-Identifier: Apache-2.0

import Deployment
import TestSupport
import Testing

/// What becomes of the annotations of workloads.
@Suite struct OriginalWorkloadTests {
    private static let volume = "sidecar.istio.io/userVolume"

    @Test(
        arguments: [
            // What was there, what was kept, what comes back.
            (OriginalSamples.volume, nil, nil),
            (OriginalSamples.volume, OriginalSamples.volume, nil),
            (OriginalSamples.volume, #"[{"name":"tmp","emptyDir":{}}]"#, #"[{"name":"tmp","emptyDir":{}}]"#),
            (
                #"[{"name":"tmp","emptyDir":{}},{"name":"cache-dir","hostPath":{"path":"/var/local/lib/wasme-cache"}}]"#,
                #"[ {"name":"tmp", "emptyDir":{}} ]"#, #"[ {"name":"tmp", "emptyDir":{}} ]"#
            ),
            (
                #"[{"name":"new"},{"name":"cache-dir","hostPath":{"path":"/var/local/lib/wasme-cache"}}]"#,
                #"[{"name":"tmp"}]"#, #"[{"name":"new"}]"#
            ),
            // Its own undeploy never brought back what it had kept.
            (nil, #"[{"name":"tmp"}]"#, #"[{"name":"tmp"}]"#),
            (#"[{"name":"new"}]"#, #"[{"name":"tmp"}]"#, #"[{"name":"new"}]"#),
        ] as [(String?, String?, String?)])
    func `annotations of a workload go, and what was there before comes back`(
        _ now: String?, _ kept: String?, _ after: String?
    ) throws {
        let entries =
            (now.map { ["\(Self.volume): '\($0)'"] } ?? [])
            + (kept.map { ["wasme-backup.\(Self.volume): '\($0)'"] } ?? [])
        let plan = try OriginalSamples.plan([
            OriginalSamples.workload(annotations: "{\(entries.joined(separator: ", "))}")
        ])
        let changes = try #require(plan.workloads.first?.changes)
        let value = changes.first { $0.key == Self.volume }
        #expect((value == nil ? now : value?.after) == after)
        #expect(
            changes.contains { $0.key == "wasme-backup.\(Self.volume)" && $0.after == nil } == (kept != nil))
    }

    @Test func `a workload keeps its annotations as long as a filter that stays is for its pods`() throws {
        let documents = [
            OriginalSamples.workload(annotations: "{\(Self.volume): '\(OriginalSamples.volume)'}"),
            OriginalSamples.filter(), OriginalSamples.filter("api"),
            OriginalSamples.filter().replacing("namespace: shop", with: "namespace: other"),
        ]
        let objects = try OriginalSamples.objects(documents)
        let workload = try #require(try OriginalSamples.plan(documents).workloads.first)
        #expect(objects.filter { workload.isNeeded(by: $0) }.map(\.namespace) == ["shop"])
        #expect(workload.isNeeded(by: objects[1]))
    }

    @Test func `an annotation that cannot be read is left alone`() throws {
        let plan = try OriginalSamples.plan([
            OriginalSamples.workload(annotations: "{\(Self.volume): 'x /var/local/lib/wasme-cache'}")
        ])
        #expect(plan.workloads.isEmpty)
        #expect(plan.leftAlone.first?.reason.contains("no list in JSON") == true)
    }
}
