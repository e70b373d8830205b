// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

/// Objects whose annotations an older version has written: it kept no target's options.
@Suite(.requires(.kubernetes), .requires(.registry), .sharedCluster, .filterImage, .serialized)
struct OlderHistoryTests {
    /// Takes what older versions did not write out of the history of a live object.
    private func age(_ target: VerbTarget, _ stage: Stage, in space: String) async throws {
        let metadata = try #require(try await stage.live(target, in: space)?["metadata"]?.object)
        let annotations = try #require(metadata["annotations"]?.object)
        let name = try #require(annotations.names.first { $0.hasSuffix("wasme.io/history") })
        let revisions = try JSONValue(parsing: try #require(annotations[name]?.string)).array ?? []
        let aged = revisions.map { revision in
            var object = revision.object ?? JSONObject()
            object["target"] = nil
            return JSONValue.object(object)
        }
        try await Cluster.server.kubectl([
            "annotate", "--overwrite", target.object, "-n", space,
            "\(name)=\(JSONValue.array(aged))", "--field-manager=wasme",
        ])
    }

    @Test
    func `a rollback to an older version's revision goes to where the filter runs now, or says why not`()
        async throws
    {
        try await Stage.run { stage in
            for target in VerbTarget.all {
                let space = try await Cluster.namespace()
                try await stage.prepare(target, in: space)
                for number in 1...2 {
                    let made = try await stage.deploy(
                        target, target.first, configuration: "{a: \(number)}", in: space)
                    try #require(made.status == 0, "\(target.word): \(made.stderr)")
                }
                try await age(target, stage, in: space)
                let before = try await stage.live(target, in: space)?["spec"]
                let back = try await stage.wasme(
                    ["rollback", target.word, "verbs", "--force-conflicts"] + target.options, in: space)
                #expect(back.stderr.contains("an older version has deployed"), "\(target.word): \(back)")
                let after = try await stage.live(target, in: space)?["spec"]
                if ["istio", "envoy-gateway", "higress"].contains(target.word) {
                    #expect(back.status == 0, "\(target.word): \(back.stderr)")
                    #expect(after != before)
                    for place in ["selector", "targetRefs"] {
                        #expect(after?.object?[place] == before?.object?[place], "\(target.word)")
                    }
                } else {
                    #expect(back.status == 1, "\(target.word): \(back)")
                    #expect(back.stderr.contains("deploy it again with 'wasme deploy \(target.word)'"))
                    #expect(after == before)
                }
            }
        }
    }
}
