// SPDX-License-Identifier: Apache-2.0

import Deployment
import TestSupport
import Testing
import Yams

@Suite struct TargetGoldenTests {
    @Test func `each target renders what it always did`() throws {
        for (name, plan) in try Samples.plans() {
            let notes = plan.warnings.map { "# warning: \($0)\n" }.joined()
            try expectGolden(
                "# \(plan.summary)\n\(notes)\(plan.text)", "Deployment/kubernetes/\(name).yaml")
        }
    }

    @Test func `rendering twice gives the same bytes`() throws {
        let first = try Samples.plans().map(\.plan.text)
        #expect(try Samples.plans().map(\.plan.text) == first)
    }

    /// An extra check of the YAML: what is read back by another reader is the JSON that an API server would get.
    @Test func `the YAML of an object and its JSON are the same`() throws {
        for (name, plan) in try Samples.plans() {
            for object in plan.objects {
                let fromYAML = try #require(try Yams.compose(yaml: object.yaml))
                let fromJSON = try #require(try Yams.compose(yaml: object.json))
                #expect(plain(fromYAML) == plain(fromJSON), "\(name)")
            }
        }
    }

    /// Tags and texts, without how they are written.
    private func plain(_ node: Node) -> String {
        switch node {
        case .scalar(let scalar): "\(node.tag.description) \(scalar.string)"
        case .sequence(let list): "[\(list.map(plain).joined(separator: ", "))]"
        case .mapping(let map):
            "{\(map.map { "\(plain($0.key)): \(plain($0.value))" }.joined(separator: ", "))}"
        case .alias: "alias"
        }
    }
}
