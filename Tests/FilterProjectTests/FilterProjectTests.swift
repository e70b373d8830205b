// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import SystemPackage
import TestSupport
import Testing

@Suite struct FilterProjectTests {
    private static let manifest = "name: a\nlanguage: swift\nmodule: {rootIds: [r]}\n"

    @Test func `a project is found from its folder and from below it`() throws {
        let scratch = try ScratchDirectory("project")
        try scratch.write("outer/wasme.yaml", Self.manifest)
        try scratch.write("outer/inner/wasme.yaml", Self.manifest)
        try scratch.write("outer/Sources/A/main.swift", "")
        for (from, root) in [
            ("outer", "outer"), ("outer/Sources/A", "outer"), ("outer/inner/.", "outer/inner"),
        ] {
            let project = try FilterProject.find(from: scratch.path.pushing(FilePath(from)))
            #expect(project.root == scratch.path.pushing(FilePath(root)))
        }
    }

    @Test func `a folder without a project says how to start one`() throws {
        let scratch = try ScratchDirectory("project")
        // A folder of that name is no manifest.
        try Files.createDirectory(scratch.appending("wasme.yaml"))
        let error = #expect(throws: ProjectError.self) { try FilterProject.find(from: scratch.path) }
        #expect(error?.code == .noProject)
        #expect(error?.hint?.contains("wasme init") == true)
        let missing = #expect(throws: ProjectError.self) {
            try FilterProject.find(from: scratch.appending("nowhere"))
        }
        #expect(missing?.message.contains("there is no folder") == true)
    }

    @Test func `errors of a found manifest name its file`() throws {
        let scratch = try ScratchDirectory("project")
        let file = try scratch.write("wasme.yaml", "name: A\n")
        let error = #expect(throws: ProjectError.self) { try FilterProject.find(from: scratch.path) }
        #expect(error?.message.hasPrefix("\(file):1:7: ") == true)
        try Files.replace(file, with: [0x6e, 0xff])
        let binary = #expect(throws: ProjectError.self) { try FilterProject.find(from: scratch.path) }
        #expect(binary?.message.contains("not UTF-8") == true)
    }
}

@Suite struct FilterNameTests {
    @Test(arguments: [
        ("add-header", "AddHeader", "add_header"), ("a", "A", "a"), ("a1-2b", "A12b", "a1_2b"),
        ("swift", "SwiftFilter", "swift"), ("proxy-wasm", "ProxyWasmFilter", "proxy_wasm"),
        ("self", "SelfFilter", "self"), ("type", "TypeFilter", "type"), ("a--b", "AB", "a_b"),
    ])
    func `module and root id follow from the name`(name: String, module: String, rootID: String) throws {
        let name = try FilterName(name)
        #expect(name.module == module)
        #expect(name.rootID == rootID)
    }

    @Test(arguments: [
        ("", "empty"), ("1a", "begin with"), ("-a", "begin with"), ("a-", "end with"), ("a_b", "\"_\""),
        ("A", "begin with"), ("aB", "\"B\""), ("é", "begin with"), ("a/b", "\"/\""),
        (String(repeating: "a", count: 65), "65 characters"),
    ])
    func `a name that is none is refused with the reason`(name: String, reason: String) throws {
        let error = try #require(#expect(throws: ProjectError.self) { try FilterName(name) })
        #expect(error.code == .invalidName)
        #expect(error.message.contains(reason), "\(error.message)")
    }

    @Test(arguments: [
        ("My Filter", "my-filter"), ("add_header.v2", "add-header-v2"), ("2fast", "fast"), ("--x--", "x"),
        ("größe", "grosse"), ("123", nil), ("", nil),
        (String(repeating: "ab-", count: 30), String(repeating: "ab-", count: 21) + "a"),
    ])
    func `a name is derived from a folder's`(folder: String, name: String?) throws {
        let derived = FilterName.derived(from: folder)
        #expect(derived?.description == name)
        if let derived { #expect(try FilterName(derived.description) == derived) }
    }
}
