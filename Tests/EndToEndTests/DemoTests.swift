// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct DemoTests {
    @Test(.requires(.swift), .requires(.envoy), .requires(.curl))
    func `the demo ends with what the README shows`() async throws {
        // Without a terminal, without input, and with a build that is there already.
        let outcome = try await run(
            FilePath("/bin/bash"), [repositoryRoot.appending("scripts/demo.sh").string],
            environment: [
                "WASME_DEMO_BINARIES": buildFolder.string, "WASME_ENVOY": Tool.envoy.path?.string ?? "",
            ])
        #expect(outcome.status == 0, "\(outcome.stdout)\(outcome.stderr)")
        let last = try #require(outcome.stdout.components(separatedBy: "# Ask Envoy\n").last)
        let answer = last.components(separatedBy: "\n").dropFirst().joined(separator: "\n")
            .trimmingCharacters(in: .newlines)
        #expect(answer.contains("hello: world"))
        let readme = try String(contentsOfFile: repositoryRoot.appending("README.md").string, encoding: .utf8)
        #expect(readme.contains(answer), "the README does not show:\n\(answer)")
    }

    @Test func `the README shows the source of the filter that init writes`() async throws {
        let newcomer = try Newcomer()
        try await newcomer.does("init", "add-header", "--language", "swift")
        let file = newcomer.scratch.appending("add-header/Sources/AddHeader/AddHeader.swift")
        let source = try String(contentsOfFile: file.string, encoding: .utf8)
            .components(separatedBy: "\n").filter { !$0.hasPrefix("///") }.joined(separator: "\n")
        let readme = try String(contentsOfFile: repositoryRoot.appending("README.md").string, encoding: .utf8)
        #expect(readme.contains(source.trimmingCharacters(in: .newlines)))
    }
}
