// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import SystemPackage
import TestSupport
import Testing

/// The verbs that all targets on Kubernetes have, as processes, on a real API server and a real registry.
@Suite(.requires(.kubernetes), .requires(.registry), .sharedCluster, .filterImage, .serialized)
struct VerbTests {
    @Test func `a rollback brings back configuration, place and options, for every target`() async throws {
        try await Stage.run { stage in
            for target in VerbTarget.all { try await rollBack(target, stage) }
        }
    }

    private func rollBack(_ target: VerbTarget, _ stage: Stage) async throws {
        let space = try await Cluster.namespace()
        try await stage.prepare(target, in: space)
        func verb(_ words: String...) async throws -> ProcessOutcome {
            try await stage.wasme([words[0], target.word] + words.dropFirst() + target.options, in: space)
        }
        let first = try await stage.deploy(target, target.first, configuration: "{a: 1}", in: space)
        try #require(first.status == 0, "\(target.word): \(first.stderr)")
        let one = try #require(try await stage.live(target, in: space)?["spec"])
        let second = try await stage.deploy(target, target.second, configuration: "{a: 2}", in: space)
        try #require(second.status == 0, "\(target.word): \(second.stderr)")
        let two = try #require(try await stage.live(target, in: space)?["spec"])
        #expect(one != two)
        let planned = try await verb("rollback", "verbs", "--dry-run", "server")
        #expect(planned.stdout.contains("would be configured"), "\(target.word): \(planned)")
        #expect(try await stage.live(target, in: space)?["spec"] == two)
        let back = try await verb("rollback", "verbs")
        #expect(back.status == 0, "\(target.word): \(back.stderr)")
        #expect(try await stage.live(target, in: space)?["spec"] == one, "\(target.word)")
        let forth = try await verb("rollback", "verbs", "--to", "2")
        #expect(forth.status == 0, "\(target.word): \(forth.stderr)")
        #expect(try await stage.live(target, in: space)?["spec"] == two, "\(target.word)")

        for words in [["history", "verbs"], ["history"]] {
            let history = try await stage.wasme(
                [words[0], target.word] + words.dropFirst() + target.options, in: space)
            let rows = history.stdout.split(separator: "\n").map {
                $0.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
            }
            #expect(
                rows.dropFirst().map { $0.filter { $0.count == 1 && $0 != "*" } } == [
                    ["1"], ["2"], ["3"], ["4"],
                ], "\(target.word): \(history)")
            #expect(rows.last?.first == "*")
        }
        let json = try JSONValue(parsing: try await verb("history", "verbs", "--format", "json").stdout)
        let told = (json.object?["revisions"]?.array ?? []).map { $0.object?["target"]?.string }
        #expect(told.count == 4 && told[0] == told[2] && told[1] == told[3] && Set(told).count == 2)
        let unknown = try await verb("rollback", "verbs", "--to", "9")
        #expect(unknown.status == 1)
        #expect(unknown.stderr.contains("there is no revision 9"), "\(unknown.stderr)")
        let none = try await verb("rollback", "nothing")
        #expect(none.status == 1)
        #expect(none.stderr.contains("there is no deployment \"nothing\""), "\(none.stderr)")
        let gone = try await verb("undeploy", "verbs")
        #expect(gone.status == 0, "\(target.word): \(gone.stderr)")
        #expect(try await verb("history").stdout == "nothing was deployed there\n")
    }

    @Test func `a diff exits with 1 if a deploy would change something, and with 0 if not, for every target`()
        async throws
    {
        try await Stage.run { stage in
            for target in VerbTarget.all {
                let space = try await Cluster.namespace()
                try await stage.prepare(target, in: space)
                func verb(_ word: String, _ number: Int, _ more: String...) async throws -> ProcessOutcome {
                    try await stage.wasme(
                        [
                            word, target.word, stage.image(for: target), "--id", "verbs", "--config",
                            "{\"a\": \(number)}",
                        ]
                            + target.arguments + more, in: space)
                }
                let new = try await verb("diff", 1)
                #expect(new.status == 1, "\(target.word): \(new.stderr)")
                #expect(new.stdout.contains(" would be "))
                #expect(try await stage.live(target, in: space).map { "\($0)".contains("wasme") } != true)
                let deployed = try await verb("deploy", 1)
                try #require(deployed.status == 0, "\(target.word): \(deployed.stderr)")
                let before = try await stage.live(target, in: space)
                let same = try await verb("diff", 1)
                #expect(same.status == 0, "\(target.word): \(same)")
                #expect(same.stdout.hasSuffix(" has \"verbs\" like this already\n"), "\(same.stdout)")
                let other = try await verb("diff", 2)
                #expect(other.status == 1, "\(target.word): \(other.stderr)")
                #expect(other.stdout.contains(" would be configured\n  - "), "\(other.stdout)")
                #expect(!other.stdout.contains("wasme.io/history"), "\(other.stdout)")
                let json = try await verb("diff", 2, "--format", "json")
                #expect(json.status == 1 && json.stdout.contains("\"change\" : \"configured\""))
                #expect(try await stage.live(target, in: space) == before)
                let misplaced = try await verb("diff", 2, "--atomic")
                #expect(misplaced.status == 64)
                #expect(misplaced.stderr.contains("--atomic is for a deploy"), "\(misplaced.stderr)")
            }
        }
    }

    @Test func `two filters in one object of others keep their own histories`() async throws {
        try await Stage.run { stage in
            let target = try #require(VerbTarget.all.first { $0.word == "gloo" })
            let space = try await Cluster.namespace()
            try await stage.prepare(target, in: space)
            func verb(_ words: [String]) async throws -> ProcessOutcome {
                try await stage.wasme([words[0], "gloo"] + words.dropFirst() + target.options, in: space)
            }
            for (id, number) in [("one", 1), ("two", 1), ("one", 2), ("two", 2)] {
                let made = try await verb([
                    "deploy", stage.artifact, "--id", id, "--config", "{\"a\": \(number)}",
                ])
                try #require(made.status == 0, "\(made.stderr)")
            }
            let back = try await verb(["rollback", "one"])
            #expect(back.status == 0, "\(back.stderr)")
            let all = try await verb(["history", "-q"])
            #expect(all.stdout == "one 1\none 2\none 3\ntwo 1\ntwo 2\n", "\(all)")
            #expect(try await verb(["undeploy", "one"]).status == 0)
            #expect(try await verb(["history", "-q"]).stdout == "two 1\ntwo 2\n")
            let filters = try await Cluster.server.kubectl([
                "get", target.object, "-n", space, "-o",
                "jsonpath={.spec.httpGateway.options.wasm.filters[*].name}",
            ])
            #expect(filters == "two")
        }
    }

    @Test func `of two clusters both go back or none`() async throws {
        try await Stage.run { stage in
            let target = VerbTarget.all[0]
            let spaces = [try await Cluster.namespace(), try await Cluster.namespace()]
            // Each context has a namespace of its own: for the tool they are two clusters.
            let text = String(decoding: try Files.read(try Cluster.server.administrator), as: UTF8.self)
            let head = try #require(text.range(of: "contexts:")).lowerBound
            let config = try stage.scratch.write(
                "two",
                text[..<head] + """
                    contexts:
                    - {name: east, context: {cluster: test, user: administrator, namespace: \(spaces[0])}}
                    - {name: west, context: {cluster: test, user: administrator, namespace: \(spaces[1])}}

                    """)
            // kubectl that cannot reach the API server once a file is there and one object is written.
            let real = try #require(Tool.kubectl.path)
            let armed = stage.scratch.appending("armed")
            let script = try stage.scratch.program(
                "kubectl",
                """
                case "$*" in *apply*dry-run*) ;; *apply*west*|*west*apply*)
                  if [ -e "\(armed)" ]; then cat >/dev/null; exec "\(real)" --context west --server https://127.0.0.1:1 get pods; fi ;;
                esac
                exec "\(real)" "$@"
                """)
            let ways = ["KUBECONFIG": config.string, "WASME_KUBECTL": script.string]
            let both = ["--context", "east,west"]
            func specs() async throws -> [JSONValue?] {
                var specs: [JSONValue?] = []
                for space in spaces { specs.append(try await stage.live(target, in: space)?["spec"]) }
                return specs
            }
            for number in 1...2 {
                let made = try await stage.wasme(
                    [
                        "deploy", "istio", stage.image, "--id", "verbs", "-l", "app=web", "--config",
                        "{\"a\": \(number)}",
                    ] + both, ways)
                try #require(made.status == 0, "\(made.stderr)")
            }
            let second = try await specs()
            try Files.replace(armed, with: Array("yes".utf8))
            let whole = try await stage.wasme(["rollback", "istio", "verbs", "--atomic"] + both, ways)
            #expect(whole.status == 69, "\(whole)")
            #expect(whole.stderr.contains("what was changed before is as it was"), "\(whole.stderr)")
            #expect(try await specs() == second)
            let half = try await stage.wasme(["rollback", "istio", "verbs"] + both, ways)
            #expect(half.status == 69)
            #expect(
                half.stderr.contains("already changed: WasmPlugin \"\(spaces[0])/verbs\""), "\(half.stderr)")
            // Only where something was changed it is to be taken back.
            #expect(half.stderr.contains("'wasme rollback istio verbs --context east'"), "\(half.stderr)")
            #expect(try await specs()[1] == second[1])
            #expect(try await specs()[0] != second[0])
            try Files.remove(armed)
            let undone = try await stage.wasme(
                ["rollback", "istio", "verbs", "--context", "east"], ways)
            #expect(undone.status == 0, "\(undone.stderr)")
            #expect(try await specs() == second)
            let back = try await stage.wasme(["rollback", "istio", "verbs", "--to", "1"] + both, ways)
            #expect(back.status == 0, "\(back.stderr)")
            let first = try await specs()
            #expect(first[0] == first[1] && first != second)
            // Only one of them has it: the other one is named.
            _ = try await stage.wasme(["undeploy", "istio", "verbs", "--context", "west"], ways)
            let one = try await stage.wasme(["rollback", "istio", "verbs", "--to", "2"] + both, ways)
            #expect(one.status == 0, "\(one.stderr)")
            #expect(one.stderr.contains("no deployment \"verbs\" in context \"west\""), "\(one.stderr)")
        }
    }

    @Test func `an image that comes back is held against the target, if it can be had`() async throws {
        let space = try await Cluster.namespace()
        let target = VerbTarget.all[0]
        let rollback = ["rollback", "istio", "verbs", "-n", "SPACE"]
        // This registry goes at the end, and with it what is in it.
        try await DockerRegistry.run { registry in
            let stage = try Stage(registry: registry.address)
            try await stage.push(stage.image)
            let broken = stage.own("broken")
            try await stage.push(broken, TinyFilter(flaw: .missingImport), ["--no-check"])
            for image in [broken, stage.image] {
                let made = try await stage.wasme(
                    ["deploy", "istio", image, "--id", "verbs", "--no-check"] + target.arguments, in: space)
                try #require(made.status == 0, "\(made.stderr)")
            }
            let before = try await stage.live(target, in: space)
            let refused = try await stage.wasme(rollback, in: space)
            #expect(refused.status == 1)
            #expect(refused.stderr.contains("no_such_hostcall"), "\(refused.stderr)")
            #expect(refused.stderr.contains("--no-check"), "\(refused.stderr)")
            #expect(try await stage.live(target, in: space) == before)
            // A store without it has it pulled from the registry.
            let empty = ["WASME_HOME": stage.scratch.appending("empty").string]
            #expect(try await stage.wasme(rollback, in: space, empty).status == 1)
            let forced = try await stage.wasme(rollback + ["--no-check"], in: space)
            #expect(forced.status == 0, "\(forced.stderr)")
        }
        // The registry is gone, and so is the store.
        let alone = try Stage(registry: "nowhere.example")
        let back = try await alone.wasme(rollback, in: space)
        #expect(back.status == 0, "\(back.stderr)")
        #expect(back.stderr.contains("is not held against istio, as it cannot be had here"), "\(back.stderr)")
    }
}
