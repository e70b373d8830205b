// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import Files
import FilterImage
import Foundation
import SystemPackage
import TestSupport
import Testing

/// `wasme deploy envoy --slot` and the verbs beside it, against a real Envoy.
@Suite struct DeploySlotTests {
    @Test(.requires(.envoy)) func `a filter goes live, changes, comes back and ends, each proved`()
        async throws
    {
        try await SlotStage.run { stage in
            try await stage.image("hello:v1", TinyFilter(value: "one"))
            try await stage.image("hello:v2", TinyFilter(value: "two"))
            let first = try await stage.wasme(
                "deploy", "envoy", "hello:v1", "--id", "greeting", "--probe", "GET / expect header hello: one"
            )
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output.contains("deployed greeting in \(stage.slot.path) (revision 1, place 1)"))
            #expect(first.output.contains("proved on \(stage.admin): "))
            #expect(
                first.output.contains("memory: begins with 262.1 KB in that Envoy, for 4 virtual machines"))
            #expect(first.output.contains("\nsha256:"))
            // In a pipe nothing is told but the result.
            #expect(first.errors.isEmpty, "\(first.errors)")
            #expect(try await stage.header("hello") == "one")

            let second = try await stage.wasme(
                "deploy", "envoy", "hello:v2", "--id", "greeting", "--format", "json")
            #expect(second.status == 0, "\(second.errors)")
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(second.output.utf8)) as? [String: Any])
            #expect(json["action"] as? String == "deployed" && json["id"] as? String == "greeting")
            #expect(json["image"] as? String == "hello:v2")
            #expect((json["digest"] as? String)?.hasPrefix("sha256:") == true)
            let slot = try #require((json["slots"] as? [[String: Any]])?.first)
            #expect(slot["outcome"] as? String == "proved" && slot["revision"] as? Int == 2)
            #expect(try await stage.header("hello") == "two")

            let back = try await stage.wasme("rollback", "envoy", "greeting")
            #expect(back.status == 0, "\(back.errors)")
            #expect(back.output.contains("rolled back greeting to revision 1 in "))
            #expect(try await stage.header("hello") == "one")

            let end = try await stage.wasme("undeploy", "envoy", "greeting", "-q")
            #expect(end.status == 0, "\(end.errors)")
            #expect(end.output == "greeting\n")
            #expect(try await stage.header("hello") == nil)

            let history = try await stage.wasme("history", "envoy", "greeting", admin: false)
            #expect(history.status == 0)
            let lines = history.output.split(separator: "\n")
            #expect(lines.count == 5, "\(history.output)")
            #expect(lines[3].contains("rollback to 1") && lines[3].contains("anna@build-1"))
            #expect(lines.dropFirst().allSatisfy { $0.contains("proved") })
            #expect(!history.output.contains("*"), "nothing is live")
        }
    }

    @Test(.requires(.envoy)) func `what cannot be is told before anything is changed`() async throws {
        try await SlotStage.run { stage in
            try await stage.image("hello:v1", TinyFilter())
            try await stage.image(
                "strict:v1", TinyFilter(),
                schema:
                    #"{"type": "object", "required": ["header"], "properties": {"header": {"type": "string"}}}"#
            )
            try await stage.image("broken:v1", TinyFilter(flaw: .missingImport))
            let before = try Files.read(stage.slot.places[0].file)
            for (arguments, status, message, hint) in [
                (["strict:v1"], 64, "\"strict:v1\" needs a configuration", "--config"),
                (["strict:v1", "--config", #"{"header": 1}"#], 64, "does not fit the schema", "schema"),
                (["broken:v1"], 1, "does not take \"broken:v1\": ", "--no-check"),
                (["broken:v1", "--no-check"], 1, "env.no_such_hostcall", ""),
                (["nothing:v1"], 1, "\"nothing:v1\" is not in the store", ""),
                (["hello:v1", "--id", "a b"], 64, "\"a b\" cannot be the id of a deployment", "letters"),
                (["hello:v1", "--probe", "GET"], 64, "the probe \"GET\" is not understood", "as in"),
                (["hello:v1", "--timeout", "soon"], 64, "--timeout is \"soon\"", ""),
                (["hello:v1", "--failure-policy", "opne"], 64, "opne", ""),
                (
                    ["hello:v1", "--restrict", "--capability", "x"], 64,
                    "--restrict finds the capabilities itself", ""
                ),
                (["hello:v1", "--run"], 64, "--run is about a bootstrap", ""),
            ] as [([String], Int32, String, String)] {
                let person = try stage.fresh()
                let result = await person.run(
                    ["deploy", "envoy"] + arguments + [
                        "--slot", stage.slot.path.string, "--admin", stage.admin,
                    ], environment: stage.environment)
                #expect(result == status, "\(arguments): \(person.errors)")
                #expect(person.errors.contains(message), "\(arguments): \(person.errors)")
                #expect(hint.isEmpty || person.errors.contains(hint), "\(arguments): \(person.errors)")
                #expect(person.output.isEmpty, "\(person.output)")
            }
            #expect(try Files.read(stage.slot.places[0].file) == before)
            #expect(try await stage.header("hello") == nil)
        }
    }

    @Test(.requires(.envoy)) func `what is not there is told with what is`() async throws {
        try await SlotStage.run { stage in
            try await stage.image("hello:v1", TinyFilter())
            #expect(try await stage.wasme("deploy", "envoy", "hello:v1").status == 0)
            for (verb, message, hint) in [
                (["undeploy", "envoy", "other"], "there is no deployment \"other\"", "deployed are: hello"),
                (["rollback", "envoy", "other"], "there is no deployment \"other\"", "deployed are: hello"),
                (["rollback", "envoy", "hello", "--to", "7"], "7", "1"),
                (
                    ["history", "envoy", "other"], "there never was a deployment \"other\"",
                    "there were: hello"
                ),
            ] {
                let person = try stage.fresh()
                #expect(
                    await person.run(verb + ["--slot", stage.slot.path.string, "--admin", stage.admin]) != 0)
                #expect(person.errors.contains(message), "\(verb): \(person.errors)")
                #expect(person.errors.contains(hint), "\(verb): \(person.errors)")
            }
            // Another server is no Envoy.
            let place = try #require(stage.envoy.listeners.first).address
            for (admin, message) in [
                ("\(place)", "\(place)"), ("127.0.0.1:1", "127.0.0.1:1"),
                ("nowhere", "\"nowhere\" is not an address"),
                ("https://127.0.0.1:1", "speaks plain http"),
            ] {
                let person = try stage.fresh()
                #expect(
                    await person.run(
                        "deploy", "envoy", "hello:v1", "--slot", stage.slot.path.string, "--admin", admin)
                        != 0)
                #expect(person.errors.contains(message), "\(admin): \(person.errors)")
            }
            let lost = try stage.fresh()
            #expect(
                await lost.run("deploy", "envoy", "hello:v1", "--slot", "nowhere", "--admin", stage.admin)
                    != 0)
            #expect(lost.errors.contains("there is no slot at "))
            #expect(lost.errors.contains("--prepare"))
        }
    }

    @Test(.requires(.envoy))
    func `a difference changes nothing, and status shows what is live and what drifted`()
        async throws
    {
        try await SlotStage.run { stage in
            try await stage.image("hello:v1", TinyFilter(value: "one"))
            let file = stage.slot.places[0].file
            let before = try Files.read(file)
            let dry = try await stage.wasme("deploy", "envoy", "hello:v1", "--dry-run")
            #expect(dry.status == 0, "\(dry.errors)")
            #expect(dry.output.contains("would write \(stage.slot.modulesFolder)/"))
            #expect(dry.output.contains("+++ \(file)") && dry.output.contains("wasm.v3.Wasm"))
            #expect(try Files.read(file) == before)

            let open = try await stage.wasme("deploy", "envoy", "hello:v1", "--failure-policy", "open")
            #expect(open.status == 0, "\(open.errors)")
            #expect(open.output.contains("if \"hello\" traps, envoy serves without it"))
            let same = try await stage.wasme(
                "diff", "envoy", "hello:v1", "--failure-policy", "open", admin: false)
            #expect(same.status == 0, "\(same.errors)")
            #expect(same.output == "\(stage.slot.path) has \"hello\" like this already\n")
            let other = try await stage.wasme("diff", "envoy", "hello:v1", "--config", "{}", admin: false)
            #expect(other.status == 1)
            #expect(other.output.contains("-") && other.output.contains("+"), "\(other.output)")

            let sound = try await stage.wasme("status", "envoy")
            #expect(sound.status == 0, "\(sound.output)\(sound.errors)")
            #expect(sound.output.contains("1      hello") && sound.output.contains("2      (empty)"))
            #expect(
                sound.output.contains("\(stage.admin): Envoy 1.") && sound.output.contains("LIVE, 2 workers"))
            #expect(sound.output.contains("only a probe can tell"))

            let text = String(decoding: try Files.read(file), as: UTF8.self)
            try Files.replace(file, with: Array(text.replacing("FAIL_OPEN", with: "FAIL_CLOSED").utf8))
            let drifted = try await stage.wasme("status", "envoy", "--format", "json", admin: false)
            #expect(drifted.status == 1)
            #expect(
                drifted.output.contains("the file was changed since \\\"hello\\\" was deployed"),
                "\(drifted.output)")
        }
    }

    @Test(.requires(.envoy)) func `without an admin address it is written, and said to be not proved`()
        async throws
    {
        try await SlotStage.run { stage in
            try await stage.image("hello:v1", TinyFilter())
            let result = try await stage.wasme("deploy", "envoy", "hello:v1", admin: false)
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("not proved, because no admin address was given"))
        }
    }

    @Test(.requires(.envoy)) func `a probe that fails takes the change back`() async throws {
        try await SlotStage.run { stage in
            try await stage.image("hello:v1", TinyFilter(value: "one"))
            try await stage.image("hello:v2", TinyFilter(value: "two"))
            #expect(try await stage.wasme("deploy", "envoy", "hello:v1").status == 0)
            let refused = try await stage.wasme(
                "deploy", "envoy", "hello:v2", "--probe", "GET / expect header hello: one")
            #expect(refused.status == 1)
            #expect(refused.errors.contains("fails the probe \"GET / expect header hello: one\""))
            #expect(refused.errors.contains("what stood before serves again"))
            #expect(try await stage.header("hello") == "one")
            let history = try await stage.wasme("history", "envoy", admin: false)
            #expect(history.output.contains("hello 2 failed: "), "\(history.output)")
        }
    }

    @Test(.requires(.envoy)) func `a file deploys to several slots, and says the same as the command line`()
        async throws
    {
        let listener = try Listener()
        try await SlotStage.image("hello:v1", TinyFilter(value: "one").bytes, for: listener)
        try await SlotStage.run(listener, slot: "a") { one in
            try await SlotStage.run(listener, slot: "b") { two in
                let person = try one.fresh()
                let text = """
                    apiVersion: wasme.io/v1
                    kind: FilterDeployment
                    metadata: {name: greeting}
                    spec:
                      filter: {image: "hello:v1", priority: 5, failurePolicy: open}
                      deployment:
                        envoy:
                          members:
                          - {slot: a, admin: ["\(one.admin)"]}
                          - {slot: b, admin: ["http://\(two.admin)/"]}
                          order: parallel
                          atomic: true
                          probes: ["GET / expect header hello: one"]
                    """
                try Files.replace(listener.scratch.appending("f.yaml"), with: Array(text.utf8))
                #expect(await person.run("deploy", "-f", "f.yaml") == 0, "\(person.errors)")
                #expect(
                    person.output.contains("proved on \(one.admin)")
                        && person.output.contains("proved on \(two.admin)"))
                #expect(person.output.contains("if \"greeting\" traps, envoy serves without it"))
                #expect(try await one.header("hello") == "one")
                #expect(try await two.header("hello") == "one")

                let printed = try one.fresh()
                #expect(
                    await printed.run("deploy", "-f", "f.yaml", "--print-deployment") == 0,
                    "\(printed.errors)")
                let again = try FilterDeploymentFile.read(printed.output, file: "p.yaml")
                #expect(again.first?.filter.digest != nil && again.first?.filter.priority == 5)
                #expect(again.first?.id == "greeting")

                let end = try one.fresh()
                #expect(await end.run("undeploy", "envoy", "-f", "f.yaml") == 0, "\(end.errors)")
                #expect(try await two.header("hello") == nil)
            }
        }
    }

    @Test(
        arguments: [
            (["deploy", "-f", "none.yaml"], "none.yaml", 1),
            (["deploy", "envoy"], "the image is missing", 64),
            (["deploy", "envoy", "x", "--admin", ":1"], "--admin needs the --slot", 64),
            (["deploy", "envoy", "x", "--env", "A=1"], "--env is for Envoys that run", 64),
            (["deploy", "envoy", "x", "-f", "f.yaml"], "names the image itself", 64),
            (["undeploy", "envoy", "x"], "it is not said which Envoys are meant", 64),
            (["undeploy", "envoy", "--slot", "s"], "it is not said which deployment", 64),
            (
                ["status", "envoy", "-f", "istio.yaml"],
                "deploys \"f\" to istio, which this command is not for", 64
            ),
            (
                ["deploy", "-f", "typo.yaml"],
                "typo.yaml:5:12: there is no field \"imgae\" in \"spec.filter\"", 64
            ),
        ] as [([String], String, Int32)])
    func `a command line that cannot be carried out says why`(
        _ arguments: [String], _ message: String, _ status: Int32
    ) async throws {
        let person = try Listener()
        func file(_ name: String, _ filter: String) throws {
            let text = """
                apiVersion: wasme.io/v1
                kind: FilterDeployment
                metadata: {name: f}
                spec:
                  filter: \(filter)
                  deployment: {istio: {}}
                """
            try Files.replace(person.scratch.appending(name), with: Array(text.utf8))
        }
        try file("istio.yaml", "{image: 'a:v1'}")
        try file("typo.yaml", "{imgae: 'a:v1'}")
        #expect(await person.run(arguments) == status, "\(person.errors)")
        #expect(person.errors.contains(message), "\(person.errors)")
    }
}
