// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// The verbs of all targets on an API server that knows no target's kinds.
@Suite(.requires(.kubernetes), .requires(.registry), .ownCluster(), .filterImage, .serialized)
struct VerbsWithoutKindsTests {
    @Test func `without the kinds each verb says what is not there`() async throws {
        try await Stage.run { stage in
            for target in VerbTarget.all {
                let isShared = target.before != nil
                for verb in [["rollback", "verbs"], ["history", "verbs"], ["undeploy", "verbs"]] {
                    let outcome = try await stage.wasme(
                        [verb[0], target.word] + verb.dropFirst() + target.options, in: "default")
                    #expect(outcome.status == 1, "\(target.word) \(verb): \(outcome)")
                    #expect(
                        outcome.stderr.contains(isShared ? "has no " : "there is no deployment \"verbs\""),
                        "\(target.word) \(verb): \(outcome.stderr)")
                }
                let diff = try await stage.wasme(
                    ["diff", target.word, stage.image(for: target), "--id", "verbs"] + target.arguments,
                    in: "default")
                #expect(diff.status == 1, "\(target.word): \(diff)")
                #expect(diff.stderr.contains("install the mesh's or gateway's"), "\(diff.stderr)")
                #expect(diff.stdout.isEmpty)
            }
        }
    }
}
