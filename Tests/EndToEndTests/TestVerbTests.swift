// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// From a new project to its tests in a real Envoy, by the real binary.
@Suite struct TestVerbTests {
    @Test(.requires(.envoy), .requires(.clang))
    func `a new project's tests pass, and one that fails is told as agreed on`() async throws {
        let newcomer = try Newcomer()
        try await newcomer.does("init", "gate", "--language", "c", "--kind", "http-headers")
        let said = try await newcomer.does("test", "gate")
        #expect(said.contains("8 passed in"), "\(said)")

        try newcomer.scratch.write(
            "gate/tests/wrong.yaml",
            """
            variables: {header: x-team}
            tests:
            - name: adds the header
              config: {header: "${header}", value: blue}
              request: {method: POST, path: /a, headers: {accept: text/plain}, json: {a: 1}}
              expect:
                status: 201
                response: {headers: {x-team: red, hello: {present: true}}}
                upstream: {json: {$.a: 2}}
            """)
        let failed = try await newcomer.wasme("test", "gate/tests/wrong.yaml")
        #expect(failed.status == 1)
        let steady = failed.stdout.replacing(/[0-9]+(\.[0-9]+)? (ms|s)\b/, with: "… ms")
            .replacing(/Envoy [0-9.]+/, with: "Envoy …")
        try expectGolden(steady, "test/wrong.txt")

        let junit = try await newcomer.wasme(
            "test", "-q", "--format", "junit", in: newcomer.scratch.appending("gate"))
        #expect(junit.status == 1)
        let document = try JUnitDocument(junit.stdout)
        #expect(document.faults.isEmpty, "\(document.faults)")
        #expect(document.suites.map(\.tests) == [8, 1])
        #expect(document.attributes("failure").count == 1)

        try newcomer.scratch.write(
            "gate/tests/wrong.yaml", "tests:\n- {name: a, config: {heeder: b}, request: {}}\n")
        let refused = try await newcomer.wasme("test", "gate")
        #expect(refused.status == 64)
        #expect(
            refused.stderr.contains("error: gate/tests/wrong.yaml:2: \"a\": the configuration does not fit"))
    }
}
