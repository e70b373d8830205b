// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// `wasme init`, as a person and as a script uses it.
@Suite struct InitTests {
    /// A catalog with more than one language, so that there is something to choose.
    private func catalog(_ scratch: ScratchDirectory) throws -> [String: String] {
        try Files.createDirectory(scratch.appending("catalog/toolsets"))
        for (language, kind) in [
            ("swift", "http-headers"), ("swift", "http-body"), ("moonbit", "network"),
            ("rust", "http-headers"),
        ] {
            let parameters =
                language == "moonbit"
                ? #", "parameters": {"port": {"description": "Its port", "pattern": "[0-9]+"}}"# : ""
            try scratch.write(
                "catalog/\(language)/\(kind)/template.json",
                #"{"language": "\#(language)", "kind": "\#(kind)", "summary": "Does \#(kind)"\#(parameters)}"#
            )
            let build = language == "moonbit" ? "build: {command: [make], output: o}\n" : ""
            try scratch.write(
                "catalog/\(language)/\(kind)/wasme.yaml.mustache",
                "name: {{{name}}}\nlanguage: \(language)\nmodule: {rootIds: [{{{rootId}}}]}\n\(build)"
                    + "targets: [envoy>=1.33]\n")
            if language == "moonbit" {
                try scratch.write("catalog/\(language)/\(kind)/port.mustache", "{{{port}}}")
            }
        }
        return ["WASME_TEMPLATES": scratch.appending("catalog").string]
    }

    private func manifest(_ folder: String, _ scratch: ScratchDirectory) throws -> String {
        String(
            decoding: try Files.read(scratch.path.pushing(FilePath("\(folder)/wasme.yaml"))), as: UTF8.self)
    }

    // MARK: The wizard

    @Test func `the wizard asks for everything, by number or by name, and again where it must`() async throws
    {
        let scratch = try ScratchDirectory("init")
        let environment = try catalog(scratch)
        try scratch.write("taken/x", "")
        let listener = try Listener(
            answers: [
                "taken", "My Filter", "cobol", "9", "sw", "http", "2", "Bad Name", "",
                "envoy>=1.35, istio>=1.22,<1.28",
            ], sharing: scratch)
        #expect(await listener.run(["init"], environment: environment) == 0, "\(listener.errors)")
        for said in [
            "q leaves", "Folder: ", "\"\(scratch.appending("taken"))\" is not empty", "1  swift", "2  rust",
            "3  moonbit",
            "\"cobol\" is none of swift, rust, moonbit", "Does http-body", "\"http\" is none of",
            "Kind [http-headers]: ", "Name [my-filter]: ", "\"bad-name\" would do", "Targets",
        ] {
            #expect(listener.errors.contains(said), "\(said): \(listener.errors)")
        }
        #expect(
            try manifest("My Filter", scratch)
                == "name: my-filter\nlanguage: swift\nmodule: {rootIds: [my_filter]}\n"
                + "targets: [envoy>=1.35, \"istio>=1.22,<1.28\"]\n")
        #expect(listener.output.contains("next: wasme build 'My Filter' -t my-filter:v1"))
    }

    @Test(arguments: [["x", "q"], ["x", "1", "q"], ["x", "1", "1", "q"], ["x", "1", "1", "y", "q"]])
    func `q leaves at every question, and nothing is written`(answers: [String]) async throws {
        let scratch = try ScratchDirectory("init")
        let environment = try catalog(scratch)
        let before = try Files.contents(scratch.path)
        let listener = try Listener(answers: answers, sharing: scratch)
        #expect(await listener.run(["init"], environment: environment) == 130)
        #expect(listener.errors.hasSuffix("nothing was written\n"))
        #expect(try Files.contents(scratch.path) == before)
        // The end of the input is Ctrl-D, or Ctrl-C.
        let gone = try Listener(answers: answers.dropLast(), sharing: scratch)
        #expect(await gone.run(["init"], environment: environment) == 130)
        #expect(try Files.contents(scratch.path) == before)
    }

    @Test func `with a folder and a language nothing is asked, on a terminal as in a script`() async throws {
        let scratch = try ScratchDirectory("init")
        let environment = try catalog(scratch)
        for (answers, folder) in [([], "a"), (nil, "b")] as [([String]?, String)] {
            let listener = try Listener(answers: answers, sharing: scratch)
            #expect(
                await listener.run(["init", folder, "--language", "swift"], environment: environment) == 0,
                "\(listener.errors)")
            #expect(listener.errors.isEmpty)
            #expect(try manifest(folder, scratch).hasSuffix("targets: [envoy>=1.33]\n"))
        }
    }

    @Test func `a value without a default is asked for, or named`() async throws {
        let scratch = try ScratchDirectory("init")
        let environment = try catalog(scratch)
        let listener = try Listener(answers: ["eighty", "80"], sharing: scratch)
        #expect(await listener.run(["init", "a", "--language", "moonbit"], environment: environment) == 0)
        #expect(listener.errors.contains("Its port (port): "))
        #expect(listener.errors.contains("\"eighty\" does not match"))
        #expect(try Files.read(scratch.path.pushing("a/port")) == Array("80".utf8))
        let script = try Listener(sharing: scratch)
        #expect(await script.run(["init", "b", "--language", "moonbit"], environment: environment) == 64)
        #expect(script.errors.contains("add --set port=VALUE: Its port"))
    }

    // MARK: Flags

    @Test func `everything can be said by flags`() async throws {
        let scratch = try ScratchDirectory("init")
        let environment = try catalog(scratch)
        let listener = try Listener(sharing: scratch)
        let status = await listener.run(
            [
                "init", "deep/er", "--language", "moonbit", "--kind", "network", "--name", "gate", "--set",
                "port=1",
                "--target", "envoy>=1.35", "--licence", "MIT", "--description", "d", "--format", "json",
            ], environment: environment)
        #expect(status == 0, "\(listener.errors)")
        let result = try JSONSerialization.jsonObject(with: Data(listener.output.utf8)) as? [String: Any]
        #expect(result?["kind"] as? String == "network")
        #expect(result?["files"] as? [String] == ["port", "wasme.yaml"])
        #expect(try manifest("deep/er", scratch).contains("licence: MIT\n"))
        #expect(try manifest("deep/er", scratch).contains("targets: [envoy>=1.35]\n"))
    }

    @Test(arguments: [
        ["--language", "swfit"], ["--language", "swift", "--kind", "htp-body"],
        ["--language", "swift", "--name", "2x"],
        ["--language", "rust", "--name", "async"], ["--language", "swift", "--target", "envy"],
        ["--language", "swift", "--target", "envoy", "--target", "envoy>=1.35"],
        ["--language", "swift", "--set", "x"],
        ["--language", "swift", "--set", "x=1", "--set", "x=2"], ["--language", "swift", "--set", "x=1"],
        ["--language", "swift", "--licence", "{}"], ["--list"], ["--tag", "a:b"], ["--dry-run"],
        ["--template", "./nowhere"], ["--template", "catalog", "--package", "catalog", "-t", "a:v1"],
    ])
    func `a wrong command line says what would be right, and writes nothing`(arguments: [String]) async throws
    {
        let scratch = try ScratchDirectory("init")
        let environment = try catalog(scratch)
        let listener = try Listener(sharing: scratch)
        #expect(await listener.run(["init", "new"] + arguments, environment: environment) == 64)
        #expect(listener.errors.hasPrefix("error: "), "\(listener.errors)")
        #expect(Files.kind(scratch.appending("new")) == nil)
    }

    @Test func `a folder that cannot be written is named`() async throws {
        let scratch = try ScratchDirectory("init")
        try scratch.write("file", "")
        for (folder, said) in [
            ("file", "file\" is not a folder"), ("file/below", "file\" is a file"),
            ("/proc/x", "cannot write to \"/proc\""),
            ("/dev/null/x", "/dev/null\" is a file"),
        ] {
            let listener = try Listener(sharing: scratch)
            #expect([1, 64].contains(await listener.run("init", folder, "--language", "swift")))
            #expect(listener.errors.contains(said), "\(listener.errors)")
        }
        #expect(try Files.contents(scratch.path) == ["file"])
    }

    // MARK: --list, --template, --package

    @Test func `the list says what there is, with its tools and parameters`() async throws {
        let scratch = try ScratchDirectory("init")
        let environment = try catalog(scratch)
        let listener = try Listener(sharing: scratch)
        #expect(await listener.run(["init", "--list"], environment: environment) == 0)
        let lines = listener.output.split(separator: "\n").map(String.init)
        #expect(lines.first?.hasPrefix("LANGUAGE  KIND") == true)
        #expect(
            lines.dropFirst().prefix(4).map { $0.prefix { $0 != " " } } == [
                "swift", "swift", "rust", "moonbit",
            ])
        #expect(listener.output.contains("--set port=…  Its port (required)"))
        let json = try Listener(sharing: scratch)
        #expect(
            await json.run(
                ["init", "--list", "--language", "moonbit", "--format", "json"], environment: environment)
                == 0)
        let value =
            try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: [[String: Any]]]
        let entry = try #require(value?["templates"]?.first)
        #expect(value?["templates"]?.count == 1)
        #expect(Set(entry.keys) == ["kind", "language", "parameters", "ready", "summary"])
        #expect(await json.run(["init", "--list", "--language", "cobol"], environment: environment) == 64)
    }

    @Test func `the list of another's templates says how to start one of them`() async throws {
        let scratch = try ScratchDirectory("init")
        let listener = try Listener(sharing: scratch)
        let environment = try catalog(scratch)
        let arguments = ["init", "--list", "--template", "catalog/moonbit/network"]
        #expect(await listener.run(arguments, environment: environment) == 0)
        #expect(
            listener.output.contains("wasme init DIR --template catalog/moonbit/network"),
            "\(listener.output)")
    }

    @Test(.requires(.git)) func `a template that cannot be reached is no mistake of the command line`()
        async throws
    {
        let scratch = try ScratchDirectory("init")
        let environment = try catalog(scratch).merging(["PATH": "/usr/bin:/bin"]) { $1 }
        for (source, status) in [("https://127.0.0.1:1/x", 69), ("file:///nowhere/at/all", 64)] {
            let listener = try Listener(sharing: scratch)
            #expect(
                await listener.run(["init", "z", "--template", source], environment: environment)
                    == Int32(status),
                "\(listener.errors)")
        }
    }

    @Test func `a template is packed into the store, and projects are made of it`() async throws {
        let scratch = try ScratchDirectory("init")
        let environment = try catalog(scratch)
        let listener = try Listener(sharing: scratch)
        #expect(await listener.run("init", "--package", "catalog/moonbit/network", "-t", "acme/t:v1") == 0)
        #expect(listener.output.hasPrefix("packed template acme/t:v1\nsha256:"))
        for (source, folder) in [
            ("acme/t:v1", "a"), ("store:acme/t:v1", "b"), ("catalog/moonbit/network", "c"),
        ] {
            let made = try Listener(sharing: scratch)
            let status = await made.run(
                ["init", folder, "--template", source, "--set", "port=1"], environment: environment)
            #expect(status == 0, "\(made.errors)")
            #expect(made.output.contains("from the template "))
            #expect(made.output.contains("sha256:") == source.contains(":"))
            #expect(
                try manifest(folder, scratch)
                    == (try manifest("a", scratch)).replacing("name: a", with: "name: \(folder)").replacing(
                        "[a]", with: "[\(folder)]"))
        }
        for (source, reason) in [("acme/none:v1", "is not in the store"), ("taken", "is not in the store")] {
            let missing = try Listener(sharing: scratch)
            #expect(await missing.run("init", "z", "--template", source) == 64)
            #expect(missing.errors.contains(reason), "\(missing.errors)")
            #expect(missing.errors.contains("there is no folder"))
        }
    }

    @Test func `a template that makes no project is not packed`() async throws {
        let scratch = try ScratchDirectory("init")
        try scratch.write("bad/template.json", #"{"language": "c", "kind": "k", "summary": "s"}"#)
        let listener = try Listener(sharing: scratch)
        #expect(await listener.run("init", "--package", "bad", "-t", "a:v1") == 1)
        #expect(listener.errors.contains("it has no wasme.yaml"))
        #expect(await listener.run("init", "--package", "bad") == 64)
        #expect(await listener.run("init", "--package", "nowhere", "-t", "a:v1") != 0)
    }

    // MARK: Completion

    @Test func `a shell is offered the languages, and the kinds of the one that was chosen`() async throws {
        let listener = try Listener()
        for (words, wanted) in [
            (["--language", ""], "swift"), (["--language", "swift", "--kind", ""], "http-headers"),
        ] {
            let index = words.count + 1
            let status = await listener.run(
                [
                    "---completion", "init", "--", words.count == 2 ? "choice.language" : "choice.kind",
                    "\(index)", "0", "wasme", "init",
                ] + words)
            #expect(status == 0, "\(listener.errors)")
            #expect(listener.output.split(separator: "\n").contains { $0 == wanted }, "\(listener.output)")
        }
    }
}
