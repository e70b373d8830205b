// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import wasme_hub

/// The log, and its lines about requests.
@Suite struct RequestLogTests {
    private func entries(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").filter { $0.hasPrefix("{") }.map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    @Test func `each request is one line of JSON, without a credential`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let added = try await run(
            HubProcess.program, ["user", "add", "ada", "--data", data.string, "--password-stdin"],
            input: "correct horse battery")
        #expect(added.status == 0, "\(added.stderr)")
        let hub = try await HubProcess(
            data: data, environment: ["WASME_HUB_LOG_REQUESTS": "true", "WASME_HUB_LOG_FORMAT": "json"])
        let ada = Town.basic("ada", "correct horse battery")
        let body = Array("some bytes".utf8)
        _ = try await hub.client.send(
            "PUT", "/v2/ada/app/manifests/v1", ada.merging(["X-Request-Id": "mine"]) { $1 }, body: body)
        _ = try await hub.client.send("GET", "/v2/ada/app/manifests/v1", Town.basic("ada", "marker-wrong"))
        _ = try await hub.client.send("GET", "/token?scope=repository:ada/app:pull&secret=marker-query", ada)
        _ = try await hub.client.send("GET", "/v2/", ["Authorization": "Bearer marker-bearer"])
        #expect(await hub.stop(SIGTERM) == 0)
        let lines = try entries(hub.errorText).filter { $0["message"] as? String == "request" }
        #expect(lines.count == 4, "\(hub.errorText)")
        let push = try #require(lines.first { $0["id"] as? String == "mine" })
        #expect(push["method"] as? String == "PUT")
        #expect(push["route"] as? String == "manifest")
        #expect(push["repository"] as? String == "ada/app")
        #expect(push["path"] as? String == "/v2/ada/app/manifests/v1")
        #expect(push["status"] as? Int == 400)
        #expect(push["received"] as? Int == body.count)
        #expect(try #require(push["sent"] as? Int) > 0)
        #expect(try #require(push["ms"] as? Double) > 0)
        #expect(push["principal"] as? String == "ada")
        #expect(push["address"] as? String == "127.0.0.1")
        let refused = lines.filter { $0["status"] as? Int == 401 }
        #expect(refused.count == 2)
        #expect(refused.allSatisfy { $0["principal"] == nil })
        for secret in ["marker", "correct horse", ada["Authorization"] ?? ""] {
            #expect(!hub.errorText.contains(secret), "\(secret)")
        }
    }

    @Test func `an entry stays one line, whatever is in it`() throws {
        let written = Mutex<[String]>([])
        let nasty = "a\nb\r\"c\" \u{1B}[2J \u{2028} \\ é"
        for format in LogSettings.Format.allCases {
            var settings = LogSettings()
            settings.format = format
            let handler = LineLogHandler(settings) { line in written.withLock { $0.append(line) } }
            let logger = Logger(label: "test") { _ in handler }
            logger.notice("\(nasty)", metadata: ["value": "\(nasty)", "number": .stringConvertible(7)])
            logger.info("not for the log at this level")
        }
        let lines = written.withLock { $0 }
        try #require(lines.count == 2)
        for line in lines {
            #expect(
                line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0.value != 0x2028 })
        }
        let entry = try #require(try entries(lines[1]).first)
        #expect(entry["message"] as? String == nasty)
        #expect(entry["value"] as? String == nasty)
        #expect(entry["number"] as? Int == 7)
        #expect(entry["level"] as? String == "notice")
        #expect(try #require(entry["time"] as? String).hasSuffix("Z"))
    }
}
