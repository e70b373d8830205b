// SPDX-License-Identifier: Apache-2.0

import Files
import FilterImage
import FilterProject
import SystemPackage
import TestSupport
import Testing
import YAML

/// The published schema says of a file what the reader says, as far as a schema can.
@Suite struct PublishedSchemaTests {
    /// Every `tests.yaml` of this repository.
    private static let files: [String] = ["Examples", "sdk-templates/kinds"].flatMap { folder in
        ((try? Files.contents(repositoryRoot.pushing(FilePath(folder)))) ?? []).sorted()
            .map { "\(folder)/\($0)/tests.yaml" }
            .filter { Files.kind(repositoryRoot.pushing(FilePath($0))) == .file }
    }

    private func violations(_ yaml: String) throws -> [String] {
        try publishedSchema().validate(YAMLNode(parsing: yaml, file: "t.yaml").json).map(\.description)
    }

    @Test(arguments: files) func `every file of this repository is sound`(name: String) throws {
        let yaml = String(decoding: try Files.read(repositoryRoot.pushing(FilePath(name))), as: UTF8.self)
        #expect(complaint(yaml) == "")
        #expect(try violations(yaml).isEmpty)
    }

    @Test func `there are files`() { #expect(Self.files.count >= 11) }

    @Test func `everything that the reader takes is taken`() throws {
        #expect(complaint(completeFile, completeEnvironment) == "")
        #expect(try violations(completeFile) == [])
    }

    /// What takes more than a schema to see.
    private static let beyondSchemas = [
        "there are two tests", "there is no service", "is no regular expression", "both later and earlier",
        "an HTTP answer to a connection", "are no answer to an HTTP request", "has no body", "has no reply",
        "is no path to one JSON value", "expected pairs", "in Base64", "without spaces",
        "no name of a method",
        "two tests named", "t.yaml:2:1", "either \"path\" or both", "found \"a\"",
    ]

    @Test(arguments: (ComplaintTests.malformed + ComplaintTests.impossible).indices)
    func `what the reader refuses is refused`(index: Int) throws {
        let (yaml, words) = (ComplaintTests.malformed + ComplaintTests.impossible)[index]
        guard !Self.beyondSchemas.contains(where: { words.contains($0) || complaint(yaml).contains($0) })
        else {
            return
        }
        #expect(try !violations(yaml).isEmpty, "\(yaml)")
    }
}
