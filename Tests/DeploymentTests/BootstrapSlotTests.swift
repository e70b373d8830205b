// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import Files
import SystemPackage
import TestSupport
import Testing

/// Slots put into bootstraps.
@Suite struct BootstrapSlotTests {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("slots") }

    /// Ways of writing a bootstrap: its folder among the goldens, its name, the kind of filters and the routes to try.
    struct Case: CustomStringConvertible, Sendable {
        let folder: String
        let name: String
        var kind = EnvoyPlugin.Kind.http
        var routes: [String] = []

        var description: String { name }

        func input() throws -> String {
            let parts = name.split(separator: ".")
            return try golden("Deployment/\(folder)/\(parts[0]).in.\(parts[1])")
        }
    }

    static let cases: [Case] =
        BootstrapPatchTests.cases.map { Case(folder: "patch", name: $0.0, routes: ["/"]) } + [
            Case(
                folder: "prepare", name: "routes.yaml",
                routes: ["flow", "/block", "/buffered", "/unbuffered", "/r.*"]),
            Case(folder: "prepare", name: "camel.json", routes: ["all"]),
            Case(folder: "prepare", name: "lds.yaml", routes: ["/"]),
            Case(folder: "prepare", name: "network.yaml", kind: .network),
        ]

    static func insertion(
        _ kind: EnvoyPlugin.Kind = .http, places: Int = 2, routes: [String] = [],
        folder: FilePath = "/etc/envoy/slot"
    ) throws -> BootstrapInsertion {
        let slot = try SlotFolder.planned(at: folder, kind: kind, places: places)
        var choice = BootstrapInsertion.Choice()
        choice.routes = routes
        return BootstrapInsertion(places: slot.seenPlaces, of: slot.name, choice: choice)
    }

    @Test(arguments: cases) func `the places come before the router`(_ one: Case) throws {
        let parts = one.name.split(separator: ".")
        let result = try EnvoyBootstrap.patch(one.input(), with: Self.insertion(one.kind))
        try expectGolden(result.text, "Deployment/prepare/\(parts[0]).out.\(parts[1])")
        #expect(!result.places.isEmpty)
        guard !one.routes.isEmpty else { return }
        let routed = try EnvoyBootstrap.patch(
            one.input(), with: Self.insertion(one.kind, routes: one.routes))
        try expectGolden(routed.text, "Deployment/prepare/\(parts[0]).routes.\(parts[1])")
        #expect(routed.routes >= one.routes.count)
    }

    @Test(.requires(.envoy), arguments: cases.filter { $0.name != "lds.yaml" })
    func `Envoy takes every prepared bootstrap`(_ one: Case) async throws {
        let folder = scratch.appending("slot")
        try SlotFolder.create(at: folder, kind: one.kind, places: 3)
        for routes in one.routes.isEmpty ? [[]] : [[], one.routes] {
            let text = try EnvoyBootstrap.patch(
                one.input(), with: Self.insertion(one.kind, places: 3, routes: routes, folder: folder)
            ).text
            let module = scratch.appending("module.wasm")
            try Files.replace(module, with: TinyFilter().bytes)
            // One of the inputs has had a filter before, whose module is on no machine.
            try await envoyUnderTest().validate(
                .text(text.replacing("/var/lib/wasme/old.wasm", with: module.string)))
        }
    }

    @Test(arguments: cases) func `preparing again changes nothing`(_ one: Case) throws {
        for routes in [[], one.routes] {
            let insertion = try Self.insertion(one.kind, routes: routes)
            let once = try EnvoyBootstrap.patch(one.input(), with: insertion)
            let twice = try EnvoyBootstrap.patch(once.text, with: insertion)
            #expect(twice.text == once.text)
            #expect(twice.differences.isEmpty)
        }
    }

    @Test(arguments: cases) func `another number of places, and routes, replace the former ones`(
        _ one: Case
    ) throws {
        let plain = try EnvoyBootstrap.patch(one.input(), with: Self.insertion(one.kind)).text
        let routed = try EnvoyBootstrap.patch(
            one.input(), with: Self.insertion(one.kind, routes: one.routes)
        ).text
        for (start, routes) in [(plain, []), (routed, one.routes), (plain, one.routes), (routed, [])] {
            for places in [1, 5] {
                let other = try EnvoyBootstrap.patch(
                    start, with: Self.insertion(one.kind, places: places, routes: routes))
                #expect(other.text != start || routes.isEmpty == one.routes.isEmpty)
                let back = try EnvoyBootstrap.patch(
                    other.text, with: Self.insertion(one.kind, routes: routes))
                // Where no space stands behind a comma, ours stays behind.
                func dense(_ text: String) -> String {
                    one.name == "dense.json" ? text.replacing(", ", with: ",") : text
                }
                #expect(dense(back.text) == dense(routes.isEmpty ? plain : routed))
            }
        }
    }

    @Test(arguments: cases) func `every comment stays, and the differences tell the rest`(_ one: Case) throws
    {
        for routes in [[], one.routes] {
            let before = try one.input()
            let result = try EnvoyBootstrap.patch(before, with: Self.insertion(one.kind, routes: routes))
            func comments(_ text: String) -> [Substring] {
                text.split(separator: "\n").compactMap { line in
                    line.firstRange(of: /(^| )#/).map { line[$0.lowerBound...] }
                }
            }
            #expect(comments(result.text) == comments(before))
            // What the differences say, done by hand, is the result.
            var lines = before.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(
                String.init)
            for difference in result.differences.reversed() {
                let start = difference.line - 1
                #expect(Array(lines[start..<start + difference.removed.count]) == difference.removed)
                lines.replaceSubrange(start..<start + difference.removed.count, with: difference.added)
            }
            #expect(lines.joined(separator: "\n") == result.text)
        }
    }

    @Test(arguments: cases) func `line ends of Windows stay`(_ one: Case) throws {
        let insertion = try Self.insertion(one.kind, routes: one.routes)
        let unix = try EnvoyBootstrap.patch(one.input(), with: insertion).text
        let windows = try EnvoyBootstrap.patch(
            one.input().replacing("\n", with: "\r\n"), with: insertion
        ).text
        #expect(windows == unix.replacing("\n", with: "\r\n"))
    }

    @Test func `only what was chosen gets the places, where it was said`() throws {
        let input = try Case(folder: "prepare", name: "routes.yaml").input()
        var insertion = try Self.insertion()
        insertion.choice.listeners = ["internal"]
        #expect(
            try EnvoyBootstrap.patch(input, with: insertion).text.matches(of: /- name: wasme.1/).count == 1)
        insertion.choice.listeners = []
        insertion.choice.statPrefixes = ["public"]
        insertion.choice.before = "envoy.filters.http.buffer"
        let first = try EnvoyBootstrap.patch(input, with: insertion).text
        let places = try ["wasme.1", "wasme.2", "envoy.filters.http.buffer"].map {
            try #require(first.firstRange(of: "- name: \($0)")).lowerBound
        }
        #expect(places == places.sorted())
        // Elsewhere, and back again.
        insertion.choice.before = "envoy.filters.http.router"
        let moved = try EnvoyBootstrap.patch(first, with: insertion).text
        #expect(moved != first)
        insertion.choice.before = "envoy.filters.http.buffer"
        #expect(try EnvoyBootstrap.patch(moved, with: insertion).text == first)
        // Where somebody has moved them by hand, they stay.
        insertion.choice.before = nil
        #expect(try EnvoyBootstrap.patch(first, with: insertion).text == first)
    }

    @Test func `what the user says of a place on a route stays`() throws {
        let input = try Case(folder: "prepare", name: "routes.yaml").input().replacing(
            "                direct_response:\n                  status: 200\n",
            with: """
                                direct_response:
                                  status: 200
                                typed_per_filter_config:
                                  wasme.1: {"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}

                """)
        let result = try EnvoyBootstrap.patch(input, with: Self.insertion(routes: ["flow"]))
        #expect(result.text.contains("FilterConfig, disabled: true}"))
    }

    @Test func `who the Envoy says it is stays`() throws {
        let input = try Case(folder: "patch", name: "block.yaml").input()
        let named = "node: {cluster: ours, id: ours}\n" + input
        #expect(
            try EnvoyBootstrap.patch(named, with: Self.insertion()).text.hasPrefix(
                "node: {cluster: ours, id: ours}\n#"))
        let result = try EnvoyBootstrap.patch(
            Case(folder: "prepare", name: "camel.json").input(), with: Self.insertion())
        #expect(result.admin?.description == "127.0.0.1:9901")
        #expect(result.isBootstrap)
        let listeners = try EnvoyBootstrap.patch(
            Case(folder: "prepare", name: "lds.yaml").input(), with: Self.insertion())
        #expect(!listeners.isBootstrap && !listeners.text.contains("node:"))
    }

    // MARK: - refusals

    @Test(arguments: [
        ("listener", "nobody", "there are \"public\" (line 12), \"internal\" (line 52)"),
        ("stat-prefix", "nobody", "there are \"public\" (line 12), \"internal\" (line 52)"),
        (
            "before", "nobody",
            "\"envoy.filters.http.buffer\" (line 16), \"envoy.filters.http.router\" (line 18)"
        ),
        ("route", "nobody", "\"flow\" (line 25), \"block\" (line 26), \"/buffered\" (line 31)"),
    ]) func `what is not there is said, with what is`(
        _ option: String, _ value: String, _ part: String
    ) throws {
        var insertion = try Self.insertion()
        switch option {
        case "listener": insertion.choice.listeners = [value]
        case "stat-prefix": insertion.choice.statPrefixes = [value]
        case "before": insertion.choice.before = value
        default: insertion.choice.routes = [value]
        }
        let error = try #require(throws: DeploymentError.self) {
            try EnvoyBootstrap.patch(Case(folder: "prepare", name: "routes.yaml").input(), with: insertion)
        }
        #expect(error.code == .noPlace && error.message.contains("\"nobody\""), "\(error)")
        #expect(error.hint?.contains(part) == true, "\(error.hint ?? "")")
    }

    @Test func `a bootstrap whose listeners are elsewhere names them`() throws {
        let text = """
            dynamic_resources:
              lds_config:
                path_config_source: {path: /etc/envoy/lds.yaml}
            """
        let error = try #require(throws: DeploymentError.self) {
            try EnvoyBootstrap.patch(text, with: Self.insertion())
        }
        #expect(error.message.contains("line 3"), "\(error)")
        #expect(error.hint?.contains("/etc/envoy/lds.yaml") == true)
    }

    @Test func `filters that an alias shares with what was not chosen are refused`() throws {
        var insertion = try Self.insertion()
        insertion.choice.listeners = ["first"]
        let error = try #require(throws: DeploymentError.self) {
            try EnvoyBootstrap.patch(Case(folder: "patch", name: "anchors.yaml").input(), with: insertion)
        }
        #expect(error.code == .layout && error.message.contains("shared"), "\(error)")
        insertion.choice.listeners = ["third"]
        let result = try EnvoyBootstrap.patch(
            Case(folder: "patch", name: "anchors.yaml").input(), with: insertion)
        #expect(result.places.count == 2)
    }

    @Test func `many listeners are no trouble`() throws {
        let block = try Case(folder: "patch", name: "two.yaml").input()
        let head = try #require(block.firstRange(of: "  - name: public"))
        var text = String(block[..<head.lowerBound])
        for number in 0..<100 { text += block[head.lowerBound...].replacing("public", with: "l\(number)") }
        let result = try EnvoyBootstrap.patch(text, with: Self.insertion(places: 4))
        #expect(result.places.count == 800)
    }
}
