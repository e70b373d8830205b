// SPDX-License-Identifier: Apache-2.0

import Deployment
import Files
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// The file that keeps what was done in a slot.
@Suite struct SlotHistoryTests {
    let scratch: ScratchDirectory
    var file: FilePath { scratch.appending("history.jsonl") }

    init() throws { scratch = try ScratchDirectory("history") }

    private func revision(
        _ id: String, _ number: Int, _ action: SlotRevision.Action = .deploy, priority: Int? = nil
    ) -> SlotRevision {
        var revision = SlotRevision(
            id: id, number: number, time: "2026-01-31T12:00:00Z", who: "anna@here", action: action)
        if action != .undeploy {
            revision.deployment = SlotStage.deployment(id, priority: priority)
            revision.module = String(repeating: "\(number % 10)", count: 64)
            revision.place = 1
        }
        return revision
    }

    @Test func `every field comes back as it was`() throws {
        var deployment = FilterDeployment(
            id: "full", image: try Reference("hub.example/acme/full:v1"), digest: Digest(of: [1, 2]))
        deployment.kind = .network
        deployment.rootID = "root"
        deployment.vmID = "vm"
        deployment.configuration = "{\"a\": 1.50,\n \"b\": \"ü\u{1}\"}"
        deployment.vmConfiguration = "vm \"text\""
        deployment.environment = ["A": .value("1"), "B": .host, "C": .value("")]
        deployment.failurePolicy = .open
        deployment.capabilities = ["proxy_log", "fd_write"]
        deployment.phase = .authz
        deployment.priority = -3
        deployment.match = [.init(mode: .server, ports: [80, 443]), .init()]
        var wanted = SlotRevision(
            id: "full", number: 7, time: "2026-01-31T12:00:00Z", who: "o'brien@\"x\"", action: .rollback)
        wanted.source = 3
        wanted.deployment = deployment
        wanted.module = "ab"
        wanted.build = "c86471f0566f"
        wanted.isInline = true
        wanted.retry = 9
        wanted.place = 2
        var history = try SlotHistory(file)
        try history.begin(wanted)
        #expect(try SlotHistory(file).revisions == [wanted])
        try history.end(wanted, .stuck(because: "a \"reason\"\nof two lines"))
        wanted.outcome = .stuck(because: "a \"reason\"\nof two lines")
        #expect(try SlotHistory(file).revisions == [wanted])
        #expect(history.revisions == [wanted])
    }

    @Test func `a line that an older version wrote is read`() throws {
        let digest = "sha256:\(String(repeating: "5a", count: 32))"
        let text =
            #"{"id":"full","revision":7,"time":"2026-01-31T12:00:00Z","who":"anna","action":"deploy","place":2,"module":"ab","deployment":{"id":"full","image":"hub.example/acme/full:v1","digest":"\#(digest)","kind":"network","rootID":"root","vmID":"vm","configuration":"{\"a\": 1.50}","vmConfiguration":"text","environment":{"A":"1","B":null},"failurePolicy":"FAIL_OPEN","capabilities":["proxy_log"],"phase":"authz","priority":-3,"match":[{"mode":"server","ports":[80]}]}}"#
        try Files.replace(file, with: Array("\(text)\n".utf8))
        var deployment = FilterDeployment(
            id: "full", image: try Reference("hub.example/acme/full:v1"), digest: try Digest(digest))
        deployment.kind = .network
        deployment.rootID = "root"
        deployment.vmID = "vm"
        deployment.configuration = "{\"a\": 1.50}"
        deployment.vmConfiguration = "text"
        deployment.environment = ["A": .value("1"), "B": .host]
        deployment.failurePolicy = .open
        deployment.capabilities = ["proxy_log"]
        deployment.phase = .authz
        deployment.priority = -3
        deployment.match = [.init(mode: .server, ports: [80])]
        #expect(try SlotHistory(file).revisions.map(\.deployment) == [deployment])
        #expect(try SlotHistory(file).damagedLines == 0)
    }

    @Test func `a torn last line costs that line alone, and the next one is whole`() throws {
        var history = try SlotHistory(file)
        try history.begin(revision("a", 1))
        try history.end(revision("a", 1), .proved)
        try history.begin(revision("a", 2))
        let whole = try Files.read(file)
        let start = try #require(whole.dropLast().lastIndex(of: UInt8(ascii: "\n"))) + 1
        for length in stride(from: start + 1, to: whole.count - 1, by: 13) {
            try Files.replace(file, with: whole[..<length])
            var torn = try SlotHistory(file)
            #expect(torn.revisions.map(\.number) == [1])
            #expect(torn.damagedLines == 1)
            try torn.begin(revision("a", 2))
            let mended = try SlotHistory(file)
            #expect(mended.revisions.map(\.number) == [1, 2])
            #expect(mended.revisions.map(\.outcome) == [.proved, .pending])
        }
    }

    @Test func `filters stand by priority, then by when they came; what has come again is last`() throws {
        var history = try SlotHistory(file)
        for (id, priority) in [("a", nil), ("b", 10), ("c", nil), ("d", 10), ("e", -1)] as [(String, Int?)] {
            try history.begin(revision(id, 1, priority: priority))
            try history.end(revision(id, 1), .proved)
        }
        #expect(history.deployed.map(\.id) == ["b", "d", "a", "c", "e"])
        try history.begin(revision("a", 2, .undeploy))
        try history.end(revision("a", 2, .undeploy), .proved)
        #expect(history.current("a") == nil)
        try history.begin(revision("a", 3))
        try history.end(revision("a", 3), .proved)
        // A change that was taken back changes no order.
        try history.begin(revision("c", 2, priority: 99))
        try history.end(revision("c", 2, priority: 99), .failed(because: "x"))
        #expect(history.deployed.map(\.id) == ["b", "d", "c", "a", "e"])
        #expect(history.ids == ["a", "b", "c", "d", "e"])
    }

    @Test func `going back again and again leads through the good ones`() throws {
        var history = try SlotHistory(file)
        for (number, outcome) in [
            (1, .proved), (2, .failed(because: "x")), (3, .unproved(because: "y")), (4, .proved),
        ] as [(Int, SlotRevision.Outcome)] {
            try history.begin(revision("a", number))
            try history.end(revision("a", number), outcome)
        }
        #expect(history.previous(of: "a")?.number == 3)
        for (number, source) in [(5, 3), (6, 1)] {
            #expect(history.previous(of: "a")?.number == source)
            var back = revision("a", number, .rollback)
            back.source = source
            try history.begin(back)
            try history.end(back, .proved)
        }
        #expect(history.previous(of: "a") == nil)
    }

    @Test func `modules of the last revisions are kept`() throws {
        var history = try SlotHistory(file)
        for number in 1...15 { try history.begin(revision("a", number)) }
        #expect(
            history.keptModules(revisions: 3)
                == Set((13...15).map { String(repeating: "\($0 % 10)", count: 64) }))
    }
}
