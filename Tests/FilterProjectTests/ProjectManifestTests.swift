// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import FilterImage
import FilterProject
import HostProfiles
import JSON
import SystemPackage
import TestSupport
import Testing
import YAML

@Suite struct ProjectManifestTests {
    private static let complete = """
        name: add-header            # default image name
        language: swift
        version: 0.10
        description: Adds a header to every response.
        licence: Apache-2.0
        module: {rootIds: [add_header, 007], type: http}
        build: {swift: /opt/swift/usr/bin/swift, product: Other}
        config:
          schema: ./schemas/config.json
          example: {header: on, count: 9007199254740993, ratio: .5, mask: 0x1f, none: ~, list: [true, "1", 1]}
        targets: [envoy>=1.33, "istio >= 1.22, < 1.28", higress]

        """

    @Test func `everything that the design names is read`() throws {
        let manifest = try ProjectManifest(parsing: Self.complete)
        #expect(manifest.name.description == "add-header")
        #expect(manifest.language == "swift")
        // A version is a text, even one that looks like a number.
        #expect(manifest.version == "0.10")
        #expect(manifest.description == "Adds a header to every response.")
        #expect(manifest.licence == "Apache-2.0")
        #expect(manifest.module.rootIDs == ["add_header", "007"])
        #expect(manifest.module.type == .http)
        #expect(manifest.build.swift == "/opt/swift/usr/bin/swift")
        #expect(manifest.build.product == "Other")
        #expect(manifest.config.schema == "./schemas/config.json")
        #expect(
            manifest.config.example?.description
                == #"{"header":"on","count":9007199254740993,"ratio":0.5,"mask":31,"none":null,"list":[true,"1",1]}"#
        )
        #expect(manifest.targets.map(\.description) == ["envoy>=1.33", "istio>=1.22,<1.28", "higress"])
        #expect(manifest.targets.last?.versions == .newest)
    }

    @Test func `what is optional may be left out`() throws {
        let manifest = try ProjectManifest(parsing: "name: a\nlanguage: rust\nmodule: {rootIds: [r]}\n")
        #expect(manifest.module.type == .http)
        #expect(manifest.build.command.isEmpty)
        #expect(manifest.config.schema == nil)
        #expect(manifest.config.example == nil)
        #expect(manifest.targets.isEmpty)
        #expect(manifest.version == nil)
    }

    @Test func `a language without a driver builds by its command`() throws {
        let manifest = try ProjectManifest(
            parsing:
                "name: a\nlanguage: moonbit\nmodule: {rootIds: [r]}\nbuild: {command: [make, -j2], output: out/a.wasm}\n"
        )
        #expect(manifest.build.command == ["make", "-j2"])
        #expect(manifest.build.output == "out/a.wasm")
    }

    @Test func `what becomes of the module and what builds it sees is read`() throws {
        let build = try ProjectManifest(
            parsing: Self.head
                + "build: {environment: {A: b, B: 1, C: , D: \"\"}, optimize: Oz, strip: [names, debug]}\n"
        ).build
        #expect(build.environment == ["A": "b", "B": "1", "C": nil, "D": ""])
        #expect(build.optimize == ["-Oz"])
        #expect(build.strip == [.names, .debug])
        let other = try ProjectManifest(
            parsing: Self.head + "build: {environment: [A], optimize: [-O3, --vacuum], strip: true}\n"
        ).build
        #expect(other.environment == ["A": nil])
        #expect(other.optimize == ["-O3", "--vacuum"])
        #expect(other.strip == Set(ModulePart.allCases))
    }

    private static let head = "name: a\nlanguage: swift\nmodule: {rootIds: [r]}\n"

    @Test(
        arguments: [
            // What, line, column, a part of the message, a part of the hint.
            ("", 0, 0, "is empty", nil),
            ("# nothing\n", 0, 0, "is empty", nil),
            ("[a]\n", 1, 1, "must be a mapping, not a list", nil),
            ("name: a\nname: b\n", 1, 1, "\"name\" is there twice", nil),
            ("name: a\n\"name\": b\n", 1, 1, "\"name\" is there twice", nil),
            ("name: a\n  b: c\n", 2, 4, "mapping values are not allowed", nil),
            ("name: [a\n", 2, 1, "did not find expected", nil),
            ("name: a\n---\nname: b\n", 2, 1, "another document", nil),
            ("language: swift\nmodule: {rootIds: [r]}\n", 1, 1, "lacks the key \"name\"", nil),
            ("name: a\nmodule: {rootIds: [r]}\n", 1, 1, "lacks the key \"language\"", nil),
            ("name: a\nlanguage: swift\n", 1, 1, "lacks the key \"module\"", nil),
            (head + "lisence: MIT\n", 4, 1, "unknown key \"lisence\"", "did you mean \"licence\"?"),
            (head + "license: MIT\n", 4, 1, "unknown key \"license\"", "did you mean \"licence\"?"),
            (head + "colour: red\n", 4, 1, "unknown key \"colour\"", "name, language"),
            (head + "config: {shema: a}\n", 4, 10, "unknown key \"shema\"", "did you mean \"schema\"?"),
            (
                "name: Add-Header\nlanguage: swift\n", 1, 7, "begin with a lower-case letter",
                "\"add-header\" would do"
            ),
            ("name: [a]\nlanguage: swift\n", 1, 7, "must be a text, not a list", nil),
            ("name:\nlanguage: swift\n", 1, 6, "\"name\" has no value", nil),
            ("name: a\nlanguage: swfit\n", 2, 11, "unknown language \"swfit\"", "did you mean \"swift\"?"),
            ("name: a\nlanguage: cobol\n", 2, 11, "unknown language \"cobol\"", "build.command"),
            (head + "version: a b\n", 4, 10, "\"a b\" is not a version", nil),
            (head + "description: |\n  a\n  b\n", 4, 14, "must be one line", nil),
            ("name: a\nlanguage: swift\nmodule: {rootIds: []}\n", 3, 9, "\"rootIds\" is empty", nil),
            ("name: a\nlanguage: swift\nmodule: {rootIds: r}\n", 3, 19, "must be a list, not \"r\"", nil),
            ("name: a\nlanguage: swift\nmodule: {rootIds: [r, r]}\n", 3, 23, "\"r\" is there twice", nil),
            (
                "name: a\nlanguage: swift\nmodule: {rootIds: [r], type: tcp}\n", 3, 30,
                "unknown type \"tcp\"", "network"
            ),
            (head + "build: {command: [make]}\n", 4, 8, "lacks the key \"output\"", nil),
            (head + "build: {command: [], output: a}\n", 4, 18, "\"command\" is empty", nil),
            (head + "build: {output: a.wasm}\n", 4, 17, "no effect without", nil),
            (head + "build: {command: [a], output: b, swift: c}\n", 4, 41, "no effect beside", nil),
            (head + "build: {command: [a], output: ../b}\n", 4, 31, "not inside the project", nil),
            (head + "config: {schema: /etc/passwd}\n", 4, 18, "not inside the project", nil),
            (head + "config: {schema: a/../../b}\n", 4, 18, "not inside the project", nil),
            (head + "config: {example: .inf}\n", 4, 19, "a number that JSON does not have", nil),
            (head + "config: {example: !!binary aGk=}\n", 4, 19, "tag", nil),
            (head + "config: {example: {<<: {a: 1}}}\n", 4, 20, "merge keys", nil),
            (head + "config: {example: {[a]: 1}}\n", 4, 20, "a key must be a plain text", nil),
            (head + "config: {example: *nowhere}\n", 4, 19, "undefined alias", nil),
            (head + "targets: envoy\n", 4, 10, "must be a list", nil),
            (head + "targets: [Envoy]\n", 4, 11, "\"Envoy\" is not a target", "envoy>=1.33"),
            (head + "targets: [\"envoy>=1.x\"]\n", 4, 11, "is not a target", nil),
            (head + "targets: [envoy>=1.33, envoy]\n", 4, 24, "\"envoy\" is there twice", nil),
            (head + "description: \"a\\tb\"\n", 4, 14, "control character", nil),
            (head + "bench: {}\n", 4, 8, "lacks the key \"budget\"", nil),
            (head + "bench: {budget: {cpu: 20}}\n", 4, 23, "\"20\", which is not a time", "20us"),
            (head + "bench: {budget: {memory: 20}}\n", 4, 26, "\"20\", which is not a size", "20MB"),
            (head + "bench: {budget: {rate: 70}}\n", 4, 24, "above 0 and at most 1", "70 %"),
            (head + "bench: {budget: {p95: 1ms}}\n", 4, 18, "unknown key \"p95\"", "did you mean"),
        ] as [(String, Int, Int, String, String?)])
    func `an error names file, line and column and says what to do`(
        yaml: String, line: Int, column: Int, message: String, hint: String?
    ) throws {
        let error = try #require(
            #expect(throws: ProjectError.self) { try ProjectManifest(parsing: yaml, file: "p/wasme.yaml") })
        #expect(error.code == .malformed)
        #expect(error.category == .usage)
        let place = line == 0 ? "\"p/wasme.yaml\"" : "p/wasme.yaml:\(line):\(column): "
        #expect(error.message.hasPrefix(place), "\(error.message)")
        #expect(error.message.contains(message), "\(error.message)")
        if let hint { #expect(error.hint?.contains(hint) == true, "\(error.hint ?? "no hint")") }
    }

    @Test func `a file that grows by aliases or depth is refused`() throws {
        var lines = ["config:", "  example:", "    a0: &a0 [x, x, x, x, x, x, x, x]"]
        for level in 1...8 {
            let list = Array(repeating: "*a\(level - 1)", count: 8).joined(separator: ", ")
            lines.append("    a\(level): &a\(level) [\(list)]")
        }
        let error = #expect(throws: ProjectError.self) {
            try ProjectManifest(parsing: Self.head + lines.joined(separator: "\n") + "\n")
        }
        #expect(error?.message.contains("more than 20000 values") == true)
        let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        #expect(throws: ProjectError.self) {
            try ProjectManifest(parsing: Self.head + "config: {example: \(deep)}\n")
        }
        #expect(throws: ProjectError.self) {
            try ProjectManifest(parsing: Self.head + "# " + String(repeating: "x", count: 300_000))
        }
    }

    @Test func `a budget is read with its units`() throws {
        let yaml = Self.head + "bench: {budget: {cpu: 20us, p50: 1.5ms, p99: 1s, memory: 1.5MB, rate: 0.7}}\n"
        let budget = try ProjectManifest(parsing: yaml).budget
        #expect(budget.processor == .microseconds(20))
        #expect(budget.p50 == .microseconds(1500))
        #expect(budget.p99 == .seconds(1))
        #expect(budget.memory == 1_500_000)
        #expect(budget.rate == 0.7)
        #expect(try ProjectManifest(parsing: Self.head).budget.isEmpty)
    }

    // MARK: The published schema

    private func publishedSchema() throws -> ConfigSchema {
        try ConfigSchema(bytes: try Files.read(repositoryRoot.pushing("Docs/reference/wasme.schema.json")))
    }

    @Test func `the published schema accepts what the reader accepts`() throws {
        let schema = try publishedSchema()
        for yaml in [
            Self.complete.replacingRootID(), Self.head, Self.head + "build: {command: [a], output: b}\n",
            Self.head + "build: {command: [a], output: b, inputs: [src, Makefile]}\n",
            Self.head + "build: {environment: [CI, NPM_CONFIG_CACHE], optimize: Oz, strip: true}\n",
            Self.head + "build: {environment: {A: b, B: 1, C: , D: \"\"}, strip: [names, debug]}\n",
            Self.head + "build: {optimize: [-O3, --vacuum]}\n",
            "name: a\nlanguage: precompiled\nmodule: {rootIds: [r]}\nbuild: {module: a.wasm}\n",
            Self.head + "bench: {budget: {cpu: 20us, p50: 1.5ms, p99: 0s, memory: 20MB, rate: 0.7}}\n",
        ] {
            _ = try ProjectManifest(parsing: yaml)
            let violations = try schema.validate(YAMLNode(parsing: yaml, file: "wasme.yaml").json)
            #expect(violations.isEmpty, "\(violations)")
        }
    }

    @Test(arguments: [
        "lisence: MIT", "version: a b", "build: {command: [make]}", "build: {output: a}",
        "build: {command: [a], output: b, swift: c}", "config: {schema: /a}", "config: {schema: a/../../b}",
        "config: {shema: a}", "targets: [Envoy]", "targets: [\"envoy>=1.x\"]", "targets: envoy",
        "description: \"a\\tb\"", "build: {inputs: [a]}", "build: {command: [a], output: b, inputs: []}",
        "build: {environment: [\"A=B\"]}", "build: {environment: {\"1A\": b}}", "build: {environment: A}",
        "build: {optimize: fast}", "build: {optimize: [\"-o\"]}", "build: {optimize: [Oz]}",
        "build: {strip: all}", "build: {strip: [code]}", "build: {command: [a], output: b, module: c}",
        "build: {module: ../a.wasm}", "bench: {}", "bench: {budget: {cpu: 20}}",
        "bench: {budget: {memory: 20kB}}", "bench: {budget: {rate: 0}}", "bench: {budget: {p95: 1ms}}",
    ])
    func `the published schema refuses what the reader refuses`(line: String) throws {
        let yaml = Self.head + line + "\n"
        #expect(throws: ProjectError.self) { try ProjectManifest(parsing: yaml) }
        #expect(try !publishedSchema().validate(YAMLNode(parsing: yaml, file: "wasme.yaml").json).isEmpty)
    }
}

extension String {
    /// The reader takes any scalar for a text; an editor with the schema asks for quotes around one like a number.
    fileprivate func replacingRootID() -> String {
        split(separator: "007", omittingEmptySubsequences: false).joined(separator: "\"007\"")
    }
}
