// SPDX-License-Identifier: Apache-2.0

import Deployment
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// `undeploy -f` for Envoys that stand alone, which really run.
@Suite struct UndeploySlotFileTests {
    @Test(.requires(.envoy)) func `a file's filters leave every slot that has them, the last one first`()
        async throws
    {
        let listener = try Listener()
        try await SlotStage.image("hello:v1", TinyFilter(value: "one").bytes, for: listener)
        try await SlotStage.run(listener, slot: "a") { one in
            try await SlotStage.run(listener, slot: "b") { two in
                func document(_ name: String) -> String {
                    """
                    apiVersion: wasme.io/v1
                    kind: FilterDeployment
                    metadata: {name: \(name)}
                    spec:
                      filter: {image: "hello:v1"}
                      deployment: {envoy: {members: [{slot: a, admin: ["\(one.admin)"]}, {slot: b, admin: ["\(two.admin)"]}]}}

                    """
                }
                let text = [document("first"), document("second")].joined(separator: "---\n")
                try Files.replace(listener.scratch.appending("f.yaml"), with: Array(text.utf8))
                let person = try one.fresh()
                try #require(await person.run("deploy", "-f", "f.yaml") == 0, "\(person.errors)")
                let planned = try one.fresh()
                #expect(await planned.run("undeploy", "-f", "f.yaml", "--dry-run") == 0)
                #expect(planned.output.hasPrefix("second in \(one.slot.path) would be undeployed\n"))
                #expect(try await two.header("hello") == "one")

                // One slot has lost one of them already.
                let alone = try one.fresh()
                try #require(
                    await alone.run(
                        "undeploy", "envoy", "second", "--slot", "b", "--admin", two.admin) == 0)
                let end = try one.fresh()
                #expect(await end.run("undeploy", "-f", "f.yaml") == 1)
                let lines = end.output.split(separator: "\n").filter { $0.contains("undeployed") }
                #expect(lines.count == 3, "\(end.output)")
                #expect(lines.first?.contains("second in \(one.slot.path)") == true)
                #expect(
                    end.errors.contains("there is no deployment \"second\" in \"\(two.slot.path)\""),
                    "\(end.errors)")
                #expect(try await one.header("hello") == nil)
                #expect(try await two.header("hello") == nil)

                let again = try one.fresh()
                #expect(await again.run("undeploy", "-f", "f.yaml", "--ignore-not-found") == 0)
                let misplaced = try one.fresh()
                #expect(await misplaced.run("undeploy", "-f", "f.yaml", "--git", ".") == 64)
                #expect(misplaced.errors.contains("--git is for targets on Kubernetes"))
            }
        }
    }
}
