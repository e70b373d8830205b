// SPDX-License-Identifier: Apache-2.0

import FilterProject
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing
import WasmeTemplates

/// `wasme doctor` on a machine of the test's own making.
@Suite struct DoctorCommandTests {
    /// A machine with a shell and nothing else.
    private let bare = ["PATH": "/nowhere"]

    private func json(_ listener: Listener) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(listener.output.utf8)) as? [String: Any])
    }

    @Test func `on a bare machine everything is missing, with what to do`() async throws {
        let listener = try Listener()
        #expect(await listener.run(["doctor"], environment: bare) == 0, "\(listener.errors)")
        for said in [
            "problem  Swift", "there is no \"swift\" in PATH", "note     Envoy", "note     git",
            "ok       store",
        ] {
            #expect(listener.output.contains(said), "\(said): \(listener.output)")
        }
        #expect(listener.output.hasSuffix("\nno language can be built here yet\n"))
        #expect(try Files.contents(listener.scratch.path).isEmpty)
    }

    @Test func `a language that was asked for and cannot be built is a failure`() async throws {
        let listener = try Listener()
        #expect(
            await listener.run(["doctor", "--language", "swift", "--all-systems"], environment: bare) == 1)
        #expect(listener.output.hasSuffix("Swift cannot be built here yet\n"))
        #expect(listener.output.contains("other   install a toolchain from"))
        #expect(listener.output.contains("beware: "))
        #expect(!listener.output.contains("Rust"))
        let wrong = try Listener()
        #expect(await wrong.run("doctor", "--language", "cobol") == 64)
        #expect(wrong.errors.contains("known are swift"))
    }

    @Test func `JSON has the same keys on every machine`() async throws {
        let listener = try Listener()
        #expect(await listener.run(["doctor", "--format", "json"], environment: bare) == 0)
        let report = try json(listener)
        #expect(Set(report.keys) == ["general", "languages", "system"])
        let languages = try #require(report["languages"] as? [[String: Any]])
        for language in languages {
            #expect(Set(language.keys) == ["canBuild", "findings", "name", "title", "traps"])
            let findings = try #require(language["findings"] as? [[String: Any]])
            for finding in findings {
                #expect(Set(finding.keys).isSuperset(of: ["level", "message", "subject"]))
                #expect(["ok", "note", "warning", "fault"].contains(finding["level"] as? String))
            }
        }
    }

    @Test func `a project's language counts, and its files are looked at`() async throws {
        let listener = try Listener()
        try listener.scratch.write("p/wasme.yaml", "name: a\nlanguage: swift\nmodule: {rootIds: [r]}\n")
        try listener.scratch.write("p/Package.swift", "// swift-tools-version: 5.9\n")
        #expect(await listener.run(["doctor", "p"], environment: bare) == 1)
        #expect(listener.output.contains("project a (swift)\n"))
        #expect(listener.output.contains("warning  Package.swift:1: "))
        let none = try Listener()
        #expect(await none.run(["doctor", "nowhere"], environment: bare) == 64)
        #expect(none.errors.contains("nowhere"))
        let broken = try Listener()
        try broken.scratch.write("p/wasme.yaml", "name: [\n")
        #expect(await broken.run(["doctor", "p"], environment: bare) == 1)
        #expect(broken.output.contains("problem  wasme.yaml: "))
        let old = try Listener()
        try old.scratch.write("p/runtime-config.json", "{}")
        #expect(await old.run(["doctor", "p"], environment: bare) == 1)
        #expect(old.output.contains("--from-wasme"))
    }

    @Test func `a project that says what builds it needs that, and not its language's tools`() async throws {
        let listener = try Listener()
        let command =
            "name: a\nlanguage: go\nmodule: {rootIds: [r]}\nbuild: {command: [./make.sh], output: o.wasm}\n"
        try listener.scratch.write("p/wasme.yaml", command)
        #expect(await listener.run(["doctor", "p"], environment: bare) == 1)
        #expect(listener.output.contains("\"./make.sh\" is not there"), "\(listener.output)")
        let script = try listener.scratch.write("p/make.sh", "#!/bin/sh\n")
        try #require(chmod(script.string, 0o755) == 0)
        let there = try Listener(sharing: listener.scratch)
        #expect(await there.run(["doctor", "p"], environment: bare) == 0, "\(there.output)")
        let optimising =
            "name: a\nlanguage: precompiled\nmodule: {rootIds: [r]}\nbuild: {module: m.wasm, optimize: [-Oz]}\n"
        try listener.scratch.write("p/wasme.yaml", optimising)
        let without = try Listener(sharing: listener.scratch)
        #expect(await without.run(["doctor", "p"], environment: bare) == 1)
        #expect(without.output.contains("problem  wasm-opt: there is no"), "\(without.output)")
        let file = try Listener(sharing: listener.scratch)
        #expect(await file.run("doctor", "p/make.sh") == 64)
    }

    @Test func `what init writes is free of what the doctor finds in projects`() async throws {
        let listener = try Listener()
        let catalog = try TemplateCatalog.find(environment: ProcessInfo.processInfo.environment)
        let templates = try ProjectTemplate.all(in: catalog)
        #expect(templates.count > 25)
        for template in templates {
            let place = listener.scratch.appending("\(template.language)-\(template.kind)")
            try Scaffold(template, in: catalog, name: try FilterName("my-filter"), description: nil).write(
                to: place)
            let doctor = Doctor(ToolSurroundings(environment: bare, folder: place))
            let findings = doctor.examine(filesIn: place, language: template.language)
            #expect(findings.isEmpty, "\(place): \(findings)")
        }
    }

    @Test func `an Envoy that is too old for Go is a warning`() async throws {
        let listener = try Listener()
        let envoy = try listener.scratch.write(
            "envoy", "#!/bin/sh\necho 'envoy  version: abc/1.32.1/Clean/RELEASE/BoringSSL'\n")
        try #require(chmod(envoy.string, 0o755) == 0)
        let environment = ["WASME_ENVOY": envoy.string, "PATH": "/usr/bin:/bin"]
        #expect(await listener.run(["doctor"], environment: environment) == 0)
        #expect(listener.output.contains("Envoy 1.32.1 is too old for modules of Go"), "\(listener.output)")
    }

    @Test func `credential helpers that docker's file names have to be there`() async throws {
        let listener = try Listener()
        try listener.scratch.write(
            "docker/config.json", #"{"credsStore": "gone", "credHelpers": {"h.example": "also-gone"}}"#)
        let environment = bare.merging(["DOCKER_CONFIG": listener.scratch.appending("docker").string]) { $1 }
        #expect(await listener.run(["doctor"], environment: environment) == 0)
        for name in ["docker-credential-gone", "docker-credential-also-gone"] {
            #expect(listener.output.contains("warning  \(name)"), "\(listener.output)")
        }
        try listener.scratch.write("docker/config.json", "{")
        let damaged = try Listener(sharing: listener.scratch)
        #expect(await damaged.run(["doctor"], environment: environment) == 0)
        #expect(damaged.output.contains("cannot read the credentials"))
    }

    @Test func `nothing to mend is said, and --yes needs --fix`() async throws {
        let listener = try Listener()
        #expect(await listener.run(["doctor", "--fix"], environment: bare) == 0)
        #expect(listener.errors.contains("nothing that can be mended"))
        #expect(await listener.run("doctor", "--yes") == 64)
    }
}
