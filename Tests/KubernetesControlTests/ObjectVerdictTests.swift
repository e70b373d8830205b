// SPDX-License-Identifier: Apache-2.0

import JSON
import KubernetesControl
import TestSupport
import Testing

/// What control planes say in the status of objects.
@Suite struct ObjectVerdictTests {
    private func verdict(_ status: String?, answers: Bool = false) throws -> ObjectVerdict {
        let text = #"{"metadata": {"generation": 3}\#(status.map { ", \"status\": \($0)" } ?? "")}"#
        return ObjectVerdict(
            ClusterObject(try #require(try JSONValue(parsing: text).object)), answers: answers)
    }

    @Test func `conditions for each of a policy's targets are read, and what is stale is not an answer`()
        throws
    {
        func ancestor(_ name: String, _ conditions: String) -> String {
            #"{"ancestorRef": {"kind": "Gateway", "name": "\#(name)"}, "conditions": [\#(conditions)]}"#
        }
        let good = #"{"type": "Accepted", "status": "True", "reason": "Accepted", "observedGeneration": 3}"#
        let bad =
            #"{"type": "Accepted", "status": "False", "reason": "Invalid", "message": "Wasm: unable to pull", "observedGeneration": 3}"#
        let old = #"{"type": "Accepted", "status": "True", "reason": "Accepted", "observedGeneration": 2}"#
        #expect(try verdict("{\"ancestors\": [\(ancestor("edge", good))]}").state == .accepted)
        let refused = try verdict("{\"ancestors\": [\(ancestor("edge", good)), \(ancestor("inner", bad))]}")
        #expect(refused.state == .refused)
        #expect(
            refused.reasons == ["Accepted is False for Gateway \"inner\": Invalid: Wasm: unable to pull"])
        let stale = try verdict("{\"ancestors\": [\(ancestor("edge", old))]}")
        #expect(stale.state == .pending)
        #expect(stale.reasons == ["Accepted for Gateway \"edge\" was said of an earlier version of it"])
        let overridden =
            #"{"type": "Overridden", "status": "True", "reason": "Overridden", "message": "by a route", "observedGeneration": 3}"#
        let noted = try verdict("{\"ancestors\": [\(ancestor("edge", "\(good), \(overridden)"))]}")
        #expect(noted.state == .accepted)
        #expect(noted.reasons == ["Overridden is True for Gateway \"edge\": Overridden: by a route"])
    }

    @Test func `Consul's and Gloo's own forms are read, states as words or numbers`() throws {
        #expect(
            try verdict(#"{"conditions": [{"type": "Synced", "status": "True"}]}"#).state == .accepted)
        let consul = try verdict(
            #"{"conditions": [{"type": "Synced", "status": "False", "reason": "ConsulAgentError", "message": "400"}]}"#
        )
        #expect(consul.state == .refused)
        #expect(consul.reasons == ["Synced is False: ConsulAgentError: 400"])
        #expect(
            try verdict(#"{"conditions": [{"type": "Synced", "status": "Unknown"}]}"#).state == .pending)
        for (state, expected) in [
            ("0", ObjectVerdict.State.pending), ("1", .accepted), ("2", .refused), ("3", .accepted),
            ("\"Pending\"", .pending), ("\"Accepted\"", .accepted), ("\"Rejected\"", .refused),
            ("\"Warning\"", .accepted),
        ] {
            #expect(try verdict("{\"state\": \(state), \"reason\": \"because\"}").state == expected)
            let many = try verdict("{\"statuses\": {\"gloo-system\": {\"state\": \(state)}}}")
            #expect(many.state == expected, "\(state)")
        }
        let below = try verdict(
            #"{"statuses": {"gloo-system": {"state": 1, "subresourceStatuses": {"*v1.Proxy.gloo-system.gateway-proxy": {"state": 2, "reason": "no such image"}}}}}"#
        )
        #expect(below.state == .refused)
        #expect(
            below.reasons == ["*v1.Proxy.gloo-system.gateway-proxy: its state is Rejected: no such image"])
    }

    @Test func `silence means that nobody has looked only where control planes always answer`() throws {
        #expect(try verdict(nil).state == .silent)
        #expect(try verdict("{}", answers: true).state == .pending)
        #expect(try verdict(nil, answers: true).reasons == ["no control plane has looked at it yet"])
    }
}
