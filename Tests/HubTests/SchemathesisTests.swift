// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import TestSupport
import Testing

/// `/api/v1` tried with requests that schemathesis makes up from its description.
@Suite struct SchemathesisTests {
    private static let checks = [
        "not_a_server_error", "status_code_conformance", "content_type_conformance",
        "response_headers_conformance", "response_schema_conformance",
    ]

    @Test(.requires(.schemathesis), arguments: ["root", "rea", nil])
    func `whatever is asked is answered as described, and never by a fault`(_ user: String?) async throws {
        let python = try #require(Tool.schemathesis.path)
        try await withTown { town in
            var headers: [String] = []
            if let user { headers = ["--header", "Authorization: Bearer \(try await town.token(user))"] }
            try await town.hub.client.push(
                try FilterSketch(), to: "acme/open", tag: "filter", Town.basic("root", "secret"))
            let folder = try ScratchDirectory("schemathesis")
            // Not by the program's own name: that holds the path that it was installed at.
            let outcome = try await run(
                python,
                [
                    "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run",
                    "http://127.0.0.1:\(town.hub.client.port)/api/v1/openapi.json", "--no-color",
                    "--checks", Self.checks.joined(separator: ","), "--phases", "examples,coverage,fuzzing",
                    "--max-examples", "10", "--max-time", "50", "--generation-deterministic",
                ] + headers, in: folder.path)
            #expect(outcome.status == 0, "\(outcome.stdout)\(outcome.stderr)")
            #expect(outcome.stdout.contains("passed"), "\(outcome.stdout)")
        }
    }
}
