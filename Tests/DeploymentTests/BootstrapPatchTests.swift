// SPDX-License-Identifier: Apache-2.0

import Deployment
import SystemPackage
import TestSupport
import Testing

@Suite struct BootstrapPatchTests {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("patch") }

    /// Ways of writing a bootstrap, each an input and an output among the goldens, with how often the filter is put in.
    static let cases = [
        ("block.yaml", 1), ("unindented.yaml", 1), ("flow.yaml", 1), ("inline.yaml", 1), ("pretty.json", 1),
        ("tabs.json", 1), ("dense.json", 1), ("anchors.yaml", 3), ("two.yaml", 2), ("redeploy.yaml", 1),
        ("typed-struct.yaml", 1),
    ]

    static func input(_ name: String) throws -> String {
        let parts = name.split(separator: ".")
        return try golden("Deployment/patch/\(parts[0]).in.\(parts[1])")
    }

    @Test(arguments: cases) func `the filter comes before the router`(_ name: String, _ count: Int) throws {
        let result = try EnvoyBootstrap.patch(Self.input(name), with: Samples.filter())
        let parts = name.split(separator: ".")
        try expectGolden(result.text, "Deployment/patch/\(parts[0]).out.\(parts[1])")
        #expect(result.places.count == count)
        let lines = result.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for line in result.places {
            #expect(lines[line - 1].contains("wasme.add-header") || lines[line].contains("wasme.add-header"))
        }
    }

    @Test(.requires(.envoy), arguments: cases)
    func `Envoy takes every patched bootstrap`(_ name: String, _ count: Int) async throws {
        try await expectAccepted(
            EnvoyBootstrap.patch(Self.input(name), with: Samples.filter()).text, in: scratch)
    }

    @Test(arguments: cases.filter { $0.1 == 1 && $0.0 != "redeploy.yaml" })
    func `one insertion leaves every other byte`(_ name: String, _ count: Int) throws {
        let before = Array(try Self.input(name).utf8)
        let after = Array(try EnvoyBootstrap.patch(Self.input(name), with: Samples.filter()).text.utf8)
        let start = zip(before, after).prefix { $0 == $1 }.count
        let end = zip(before.reversed(), after.reversed()).prefix { $0 == $1 }.count
        #expect(start + end >= before.count)
    }

    @Test(arguments: cases.filter { $0.1 > 1 })
    func `several insertions leave every other line`(_ name: String, _ count: Int) throws {
        let before = try Self.input(name).split(separator: "\n")
        let after = try EnvoyBootstrap.patch(Self.input(name), with: Samples.filter()).text.split(
            separator: "\n")
        let removed = after.difference(from: before).removals
        // The flow list on one line is the only line that changes.
        #expect(removed.count == (name == "anchors.yaml" ? 1 : 0))
    }

    @Test(arguments: cases) func `deploying again changes nothing`(_ name: String, _ count: Int) throws {
        let filter = try Samples.filter()
        let once = try EnvoyBootstrap.patch(Self.input(name), with: filter)
        let twice = try EnvoyBootstrap.patch(once.text, with: filter)
        #expect(twice.text == once.text && twice.places == once.places)
        #expect(twice.differences.isEmpty)
    }

    @Test(arguments: cases) func `another configuration replaces the filter, and back again`(
        _ name: String, _ count: Int
    ) throws {
        let first = try EnvoyBootstrap.patch(Self.input(name), with: Samples.filter())
        for other in ["{\n  \"header\": \"# other\"\n}\n", nil, "[]"] {
            let changed = try EnvoyBootstrap.patch(first.text, with: Samples.filter(configuration: other))
            #expect(changed.text != first.text)
            #expect(changed.places.count == count)
            #expect(try EnvoyBootstrap.patch(changed.text, with: Samples.filter()).text == first.text)
        }
    }

    @Test(arguments: cases) func `a second filter comes beside the first`(_ name: String, _ count: Int) throws
    {
        let first = try EnvoyBootstrap.patch(Self.input(name), with: Samples.filter())
        let both = try EnvoyBootstrap.patch(first.text, with: Samples.filter(id: "other"))
        #expect(both.text.contains("wasme.add-header") && both.text.contains("wasme.other"))
        #expect(try EnvoyBootstrap.patch(both.text, with: Samples.filter()).text == both.text)
    }

    @Test(arguments: cases) func `Windows line ends stay`(_ name: String, _ count: Int) throws {
        let input = try Self.input(name)
        let unix = try EnvoyBootstrap.patch(input, with: Samples.filter()).text
        let windows = try EnvoyBootstrap.patch(
            input.replacing("\n", with: "\r\n"), with: Samples.filter()
        ).text
        #expect(windows == unix.replacing("\n", with: "\r\n"))
    }

    @Test func `a byte order mark and no last line end are no trouble`() throws {
        let input = try Self.input("inline.yaml")
        let plain = try EnvoyBootstrap.patch(input, with: Samples.filter()).text
        let odd = "\u{feff}" + input.dropLast()
        #expect(try EnvoyBootstrap.patch(odd, with: Samples.filter()).text == "\u{feff}" + plain.dropLast())
        let block = String(try Self.input("unindented.yaml").dropLast())
        #expect(try EnvoyBootstrap.patch(block, with: Samples.filter()).places == [13])
    }

    // MARK: - refusals

    static let manager =
        "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

    /// A bad text, the kind of error, and a part of its message.
    static let refusals: [(String, DeploymentError.Code, String)] = [
        ("", .unreadable, "holds no fields"),
        ("# nothing\n", .unreadable, "holds no fields"),
        ("- a\n", .unreadable, "holds no fields"),
        ("a: b\n  c: d\n", .unreadable, "at line 2, column 4"),
        ("a: [b\n", .unreadable, "line 2"),
        ("a: *nothing\n", .unreadable, "undefined alias at line 1, column 4"),
        ("a: 1\nb: 2\na: 3\n", .unreadable, "\"a\" occurs twice"),
        ("a: 1\n---\nb: 2\n", .unreadable, "another document"),
        ("admin: {}\n", .noPlace, "no HTTP connection manager"),
        ("a:\n  \"@type\": \(manager)\n", .noPlace, "at line 2 of \"bootstrap\" has no http_filters"),
        ("a:\n  \"@type\": \(manager)\n  http_filters: []\n", .noPlace, "line 2"),
        ("\"@type\": \(manager)\nhttp_filters:\n- name: other\n", .noPlace, "the http_filters at line 3"),
        (
            "a:\n- name: envoy.http_connection_manager\n  config: {http_filters: [{name: envoy.router}]}\n",
            .outdated,
            "at line 2"
        ),
        (
            "x:\n  \"@type\": type.googleapis.com/envoy.config.filter.network.http_connection_manager.v2.HttpConnectionManager\n",
            .outdated, "v2 API at line 2"
        ),
        (
            // The closing brace stands where the next dash would: read, but not understood.
            "\"@type\": \(manager)\nhttp_filters:\n- {name: a\n}\n- name: envoy.router\n", .layout, "line 3"
        ),
    ]

    @Test(arguments: refusals) func `what cannot be patched is refused with the place`(
        _ text: String, _ code: DeploymentError.Code, _ part: String
    ) throws {
        let error = try #require(throws: DeploymentError.self) {
            try EnvoyBootstrap.patch(text, with: Samples.filter())
        }
        #expect(error.code == code, "\(error)")
        #expect(error.message.contains(part), "\(error)")
        #expect(error.hint != nil)
    }

    @Test func `aliases that stand for too much are refused`() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        let error = try #require(throws: DeploymentError.self) {
            try EnvoyBootstrap.patch(text, with: Samples.filter())
        }
        #expect(error.message.contains("too large"))
    }

    @Test func `damaged bootstraps never crash and never give a damaged result`() throws {
        let filter = try Samples.filter()
        var generator = SeededGenerator(state: 42)
        for (name, _) in Self.cases {
            let input = Array(try Self.input(name).utf8)
            for _ in 0..<60 {
                var bytes = input
                for _ in 0..<Int.random(in: 1...3, using: &generator) {
                    let place = Int.random(in: 0..<bytes.count, using: &generator)
                    switch Int.random(in: 0..<3, using: &generator) {
                    case 0: bytes.remove(at: place)
                    case 1:
                        bytes.insert(
                            Array(" \n\t-[]{}'\"#&*:,|".utf8).randomElement(using: &generator) ?? 0, at: place
                        )
                    default: bytes.removeSubrange(place..<min(bytes.count, place + 40))
                    }
                }
                // Either an error, or a result that `patch` has read again and compared.
                _ = try? EnvoyBootstrap.patch(String(decoding: bytes, as: UTF8.self), with: filter)
            }
        }
    }
}

/// Random numbers that are the same in every run.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        // SplitMix64.
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
