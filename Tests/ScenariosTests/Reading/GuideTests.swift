// SPDX-License-Identifier: Apache-2.0

import Files
import FilterImage
import FilterProject
import SystemPackage
import TestSupport
import Testing
import YAML

/// What the guide and the README show of `tests.yaml` is read as it stands there.
@Suite struct GuideTests {
    private static let blocks: [String] = ["Docs/guides/testing.md", "README.md"].flatMap {
        name -> [String] in
        guard let bytes = try? Files.read(repositoryRoot.pushing(FilePath(name))) else { return [] }
        var blocks: [String] = []
        var block: [Substring]?
        for line in String(decoding: bytes, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        {
            if line == "```yaml" {
                block = []
            } else if line == "```", let lines = block {
                blocks.append(lines.joined(separator: "\n") + "\n")
                block = nil
            } else {
                block?.append(line)
            }
        }
        return blocks
    }

    /// A part of a file, with what has to be around it.
    private static func file(_ block: String) -> String {
        if block.contains("tests:\n") { return block }
        let services = "services: {keys: {}, slow: {}}\n"
        if block.hasPrefix("- name") { return services + "tests:\n" + block }
        if block.hasPrefix("services:") { return block + "tests: [{name: a, request: {}}]\n" }
        let isExpectation = block.hasPrefix("    ")
        let needsRequest = !block.contains("  request:") && !block.contains("  connection:")
        return services + "tests:\n- name: a\n" + (needsRequest ? "  request: {}\n" : "")
            + (isExpectation ? "  expect:\n" : "") + block
    }

    @Test(arguments: blocks.indices) func `what is shown is sound`(index: Int) throws {
        let yaml = Self.file(Self.blocks[index])
        #expect(complaint(yaml, ["API_KEY": "k"]) == "", "\(yaml)")
        let violations = try publishedSchema().validate(YAMLNode(parsing: yaml, file: "t.yaml").json)
        #expect(violations.isEmpty, "\(yaml)")
    }

    @Test func `something is shown`() { #expect(Self.blocks.count >= 10) }
}
