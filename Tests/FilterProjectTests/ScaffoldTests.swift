// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import FilterImage
import FilterProject
import JSON
import SystemPackage
import TestSupport
import Testing
import WasmeTemplates
import YAML

@Suite struct ScaffoldTests {
    private let catalog: TemplateCatalog

    init() throws {
        // The resources lie beside the executable of the tests, as they do beside `wasme`.
        catalog = try TemplateCatalog.locate(environment: [:])
    }

    private func scaffold(_ name: String = "my-filter", description: String? = nil) throws -> Scaffold {
        try Scaffold(
            ProjectTemplate.find(language: "swift", in: catalog), in: catalog, name: try FilterName(name),
            description: description)
    }

    private func tree(_ folder: FilePath, _ prefix: String = "") throws -> [String] {
        try Files.contents(folder.pushing(FilePath(prefix))).flatMap { name in
            let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
            return Files.kind(folder.pushing(FilePath(path))) == .directory ? try tree(folder, path) : [path]
        }
    }

    // MARK: What is written

    @Test func `a new project holds the rendered template and the SDK`() throws {
        let scratch = try ScratchDirectory("scaffold")
        let folder = scratch.path.pushing("new/my-filter")
        let files = try scaffold().write(to: folder)
        #expect(try tree(folder).sorted() == files)
        for expected in [
            "Package.swift", "wasme.yaml", "config.schema.json", "README.md", ".gitignore",
            "Sources/MyFilter/main.swift", "Packages/ProxyWasm/Package.swift",
        ] {
            #expect(files.contains(expected), "\(expected)")
        }
        for file in files {
            let unwanted = ["{{", ".mustache", "template.json", ".build/", "dot.", "ProxyWasm/Tests"]
            #expect(!unwanted.contains { file.contains($0) }, "\(file)")
        }
        let package = String(decoding: try Files.read(folder.appending("Package.swift")), as: UTF8.self)
        #expect(package.contains("\"MyFilter\""))
        #expect(!package.contains("{{"))
        #expect(try Files.contents(folder.removingLastComponent()) == ["my-filter"])
    }

    @Test func `the project's manifest says what was asked for`() throws {
        let scratch = try ScratchDirectory("scaffold")
        let folder = scratch.appending("x")
        // A description that is not YAML without quotes.
        let description = "Says: \"hello\" # loudly"
        try scaffold("add-header", description: description).write(to: folder)
        let project = try FilterProject.find(from: folder)
        #expect(project.manifest.name.description == "add-header")
        #expect(project.manifest.description == description)
        #expect(project.manifest.module.rootIDs == ["add_header"])
        #expect(project.manifest.language == "swift")
    }

    @Test func `the published schema accepts every template's manifest and example`() throws {
        let published = try ConfigSchema(
            bytes: try Files.read(repositoryRoot.pushing("Docs/reference/wasme.schema.json")))
        for template in try ProjectTemplate.all(in: catalog) {
            let scaffold = try Scaffold(template, in: catalog, name: try FilterName("my-filter"))
            let file = try #require(scaffold.files.first { $0.path == "wasme.yaml" })
            let yaml = try YAMLNode(parsing: String(decoding: file.bytes, as: UTF8.self), file: "wasme.yaml")
            #expect(try published.validate(yaml.json).isEmpty)
            let config = try #require(yaml.json.object?["config"]?.object)
            let schema = try #require(scaffold.files.first { $0.path == config["schema"]?.string })
            let violations = try ConfigSchema(bytes: schema.bytes).validate(try #require(config["example"]))
            #expect(violations.isEmpty, "\(violations)")
        }
    }

    // MARK: Where it is written

    @Test func `an empty folder and a fresh repository are filled`() throws {
        let scratch = try ScratchDirectory("scaffold")
        let folder = scratch.appending("here")
        try scratch.write("here/.git/config", "x")
        let files = try scaffold().write(to: folder)
        #expect(try tree(folder).sorted() == ([".git/config"] + files).sorted())
    }

    @Test func `a folder that holds something is left as it is`() throws {
        let scratch = try ScratchDirectory("scaffold")
        try scratch.write("here/notes.txt", "mine")
        try scratch.write("here/a.txt", "mine")
        let error = #expect(throws: ProjectError.self) {
            try scaffold().write(to: scratch.appending("here"))
        }
        #expect(error?.code == .folderNotEmpty)
        #expect(error?.message.contains("it holds \"a.txt\" and 1 more") == true)
        #expect(error?.hint?.contains("--force") == true)
        #expect(try tree(scratch.path) == ["here/a.txt", "here/notes.txt"])
    }

    @Test func `force replaces the template's files and no others`() throws {
        let scratch = try ScratchDirectory("scaffold")
        let folder = scratch.appending("here")
        try scratch.write("here/notes.txt", "mine")
        try scratch.write("here/README.md", "old")
        try scratch.write("here/Sources/MyFilter/Extra.swift", "mine")
        let files = try scaffold().write(to: folder, force: true)
        #expect(try Files.read(folder.appending("notes.txt")) == Array("mine".utf8))
        #expect(try Files.read(folder.appending("README.md")) != Array("old".utf8))
        #expect(
            try tree(folder).sorted() == (files + ["notes.txt", "Sources/MyFilter/Extra.swift"]).sorted())
    }

    @Test func `nothing is written when something is in the way`() throws {
        let scratch = try ScratchDirectory("scaffold")
        let folder = scratch.appending("here")
        try scratch.write("here/Sources", "a file where a folder goes")
        let error = #expect(throws: ProjectError.self) { try scaffold().write(to: folder, force: true) }
        #expect(error?.message.contains("where the template has a folder") == true)
        #expect(try tree(scratch.path) == ["here/Sources"])
        let file = #expect(throws: ProjectError.self) {
            try scaffold().write(to: folder.appending("Sources"), force: true)
        }
        #expect(file?.message.contains("is not a folder") == true)
    }

    @Test func `a description of several lines is refused`() throws {
        #expect(throws: ProjectError.self) { try scaffold(description: "a\nb") }
    }

    // MARK: Templates

    @Test func `an unknown template names the ones there are`() throws {
        let language = #expect(throws: ProjectError.self) {
            try ProjectTemplate.find(language: "swfit", in: catalog)
        }
        #expect(language?.code == .noTemplate)
        #expect(language?.hint == "did you mean \"swift\"?")
        let kind = #expect(throws: ProjectError.self) {
            try ProjectTemplate.find(language: "swift", kind: "http-header", in: catalog)
        }
        #expect(kind?.hint == "did you mean \"http-headers\"?")
    }

    @Test(arguments: [
        ("{", "line 1"), (#"{"language": "swift", "kind": "k"}"#, "\"summary\""),
        (
            #"{"language": "swift", "kind": "k", "summary": "s", "packages": {"../x": "swift/y"}}"#,
            "leads elsewhere"
        ),
    ])
    func `a damaged template description is refused`(json: String, reason: String) throws {
        let scratch = try ScratchDirectory("catalog")
        try scratch.write("swift/k/template.json", json)
        let error = #expect(throws: ProjectError.self) {
            try ProjectTemplate.all(in: TemplateCatalog(root: scratch.path.string))
        }
        #expect(error?.code == .damagedTemplate)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test func `a template without a good manifest is refused`() throws {
        let scratch = try ScratchDirectory("catalog")
        try scratch.write("swift/k/template.json", #"{"language": "swift", "kind": "k", "summary": "s"}"#)
        let catalog = TemplateCatalog(root: scratch.path.string)
        func error() throws -> ProjectError? {
            let template = try ProjectTemplate.find(language: "swift", in: catalog)
            return #expect(throws: ProjectError.self) {
                try Scaffold(template, in: catalog, name: try FilterName("a"))
            }
        }
        #expect(try error()?.message.contains("has no wasme.yaml") == true)
        try scratch.write("swift/k/wasme.yaml.mustache", "name: {{{rootId}}}_x\n")
        #expect(try error()?.message.contains("cannot be read") == true)
        try scratch.write("swift/k/wasme.yaml.mustache", "name: {{{rootId\n")
        #expect(try error()?.message.contains("is damaged") == true)
    }
}

@Suite struct TemplateCatalogTests {
    private func catalogFolder(_ scratch: ScratchDirectory, _ name: String) throws -> FilePath {
        let folder = scratch.path.pushing(FilePath(name))
        for part in ["swift", "toolsets"] { try Files.createDirectory(folder.appending(part)) }
        return folder
    }

    @Test func `the catalog lies beside the executable, links followed`() throws {
        let scratch = try ScratchDirectory("catalog")
        try scratch.write("build/wasme", "")
        let folder = try catalogFolder(scratch, "build/wasme_WasmeTemplates.resources")
        let link = try scratch.write("bin/unused", "").removingLastComponent().appending("wasme")
        try #require(symlink("../build/wasme", link.string) == 0)
        let catalog = try TemplateCatalog.locate(environment: [:], executable: link.string)
        #expect(FilePath(catalog.root) == folder)
    }

    @Test func `the catalog lies where it was installed`() throws {
        let scratch = try ScratchDirectory("catalog")
        let program = try scratch.write("usr/bin/wasme", "")
        let folder = try catalogFolder(scratch, "usr/share/wasme/templates")
        #expect(
            FilePath(try TemplateCatalog.locate(environment: [:], executable: program.string).root) == folder)
    }

    @Test func `the variable decides`() throws {
        let scratch = try ScratchDirectory("catalog")
        let folder = try catalogFolder(scratch, "mine")
        #expect(
            FilePath(try TemplateCatalog.locate(environment: ["WASME_TEMPLATES": folder.string]).root)
                == folder)
        let error = #expect(throws: TemplateCatalogError.self) {
            try TemplateCatalog.locate(environment: ["WASME_TEMPLATES": scratch.path.string])
        }
        #expect(error == .notACatalog(scratch.path.string))
        let told = #expect(throws: ProjectError.self) {
            try TemplateCatalog.find(environment: ["WASME_TEMPLATES": scratch.path.string])
        }
        #expect(told?.code == .noTemplate)
        #expect(told?.hint?.contains("WASME_TEMPLATES") == true)
    }

    @Test func `missing templates are an error that says where they were looked for`() throws {
        let scratch = try ScratchDirectory("catalog")
        let program = try scratch.write("bin/wasme", "")
        let error = #expect(throws: TemplateCatalogError.self) {
            try TemplateCatalog.locate(environment: [:], executable: program.string)
        }
        #expect(error?.description.contains("share/wasme/templates") == true)
    }
}
