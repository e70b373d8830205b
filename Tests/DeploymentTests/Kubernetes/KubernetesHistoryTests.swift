// SPDX-License-Identifier: Apache-2.0

import Deployment
import JSON
import OCI
import Testing

@Suite struct KubernetesHistoryTests {
    static let target = FilterDeploymentFile.Target.higress(.init(), .init())

    /// A deployment with everything that can be said.
    static func full(_ number: Int = 0) throws -> FilterDeployment {
        var deployment = try Samples.deployment("{\"number\": \(number)}")
        deployment.kind = .network
        deployment.vmID = "vm"
        deployment.vmConfiguration = ""
        deployment.environment = ["A": .value("b"), "C": .host, "D": .value("")]
        deployment.failurePolicy = .open
        deployment.capabilities = []
        deployment.phase = .stats
        deployment.priority = -7
        deployment.match = [.init(mode: .client, ports: [1, 65535]), .init()]
        return deployment
    }

    @Test func `a revision is read back as it was`() throws {
        for deployment in [
            try Self.full(),
            FilterDeployment(id: "add-header", image: nil, digest: try Digest(Samples.digest)),
        ] {
            var history = KubernetesHistory()
            history.add(deployment, at: Self.target, author: "alice \"a\"", time: "2026-11-26T10:00:00Z")
            let read = KubernetesHistory(id: "add-header", annotation: history.annotation)
            #expect(read == history)
            #expect(read.revisions.map(\.deployment) == [deployment])
        }
    }

    @Test func `the last ten are kept, numbers go on, and the same again is no revision`() throws {
        var history = KubernetesHistory()
        for number in 1...14 {
            history.add(try Self.full(number), at: Self.target, author: "a", time: "t\(number)")
            history.add(try Self.full(number), at: Self.target, author: "b", time: "later")
        }
        #expect(history.revisions.map(\.number) == Array(5...14))
        #expect(history.revisions.allSatisfy { $0.author == "a" })
        #expect(try history.revision(nil).number == 13)
        #expect(try history.revision(7).deployment == Self.full(7))
        let error = #expect(throws: DeploymentError.self) { try history.revision(4) }
        #expect(error?.hint == "kept are 5, 6, 7, 8, 9, 10, 11, 12, 13, 14")
        #expect(throws: DeploymentError.self) { try KubernetesHistory().revision(nil) }
    }

    @Test func `large configurations push old revisions out, and one that is too large leaves its digest`()
        throws
    {
        var history = KubernetesHistory()
        for number in 1...5 {
            var deployment = try Self.full()
            deployment.configuration = String(repeating: "\(number)", count: 40_000)
            history.add(deployment, at: Self.target, author: "a", time: "t")
        }
        #expect(history.revisions.map(\.number) == [3, 4, 5])
        #expect(history.annotation.utf8.count <= KubernetesHistory.maximumSize)

        var huge = try Self.full()
        huge.configuration = String(repeating: "x", count: 300_000)
        history.add(huge, at: Self.target, author: "a", time: "t")
        history.add(huge, at: Self.target, author: "b", time: "later")
        #expect(history.revisions.map(\.number) == [6])
        #expect(history.annotation.utf8.count < 1000)
        let read = KubernetesHistory(id: "add-header", annotation: history.annotation)
        #expect(read == history)
        let error = #expect(throws: DeploymentError.self) { try read.revision(6) }
        #expect(error?.message.contains("too large") == true)
    }

    @Test(arguments: [
        "", "{}", "[1]", "[{\"revision\": 1}]", "nonsense",
        "[{\"revision\": 1, \"by\": \"a\", \"at\": \"b\", \"digest\": \"c\"}]",
    ])
    func `an annotation that is not ours is no history`(_ text: String) {
        #expect(KubernetesHistory(id: "a", annotation: text).revisions == [])
    }

    @Test func `applying twice changes nothing, whoever does it and whenever`() throws {
        var request = try Samples.request(labels: ["app": "shop"])
        let target = Samples.istio(.wasmPlugin, for: request)
        let first = try target.plan(request).objects[0]
        #expect(first.labels["app.kubernetes.io/managed-by"] == "wasme")
        #expect(first.annotations["wasme.io/deployed-by"] == "alice@laptop")
        request.live = [first.value.json]
        request.author = "bob@laptop"
        request.time = "2026-11-27T00:00:00Z"
        let second = try target.plan(request).objects[0]
        #expect(second == first)
        request.deployment.priority = 3
        let third = try target.plan(request).objects[0]
        #expect(third.annotations["wasme.io/deployed-by"] == "bob@laptop")
        let history = KubernetesStamp.history(of: "add-header", in: third.value.json)
        #expect(history.revisions.map(\.number) == [1, 2])
        #expect(history.revisions.map(\.author) == ["alice@laptop", "bob@laptop"])
        // An object of the same name and another kind is not the one that is changed.
        #expect(
            try Samples.istio(.envoyFilter, for: request).plan(request).objects[0].annotations[
                "wasme.io/deployed-by"] == "bob@laptop")
    }
}
