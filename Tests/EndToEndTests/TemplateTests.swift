// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Templates from author to user, and the wizard on a real terminal.
@Suite struct TemplateTests {
    private func template(_ newcomer: Newcomer) throws {
        try newcomer.scratch.write(
            "kit/template.json",
            #"{"language": "moonbit", "kind": "http-headers", "summary": "The house's", "parameters": {"team": {}}}"#
        )
        try newcomer.scratch.write(
            "kit/wasme.yaml.mustache",
            "name: {{{name}}}\nlanguage: moonbit\nmodule: {rootIds: [{{{rootId}}}]}\nbuild: {command: [make], output: o}\n"
        )
        try newcomer.scratch.write("kit/team.mustache", "{{{team}}}")
    }

    @Test func `a template is published in a registry and used from there by others, also by digest`()
        async throws
    {
        let author = try Newcomer()
        let (hub, address) = try await author.startHub()
        defer { withExtendedLifetime(hub) {} }
        try template(author)
        let reference = "\(address)/acme/kit:v1"
        let packed = try await author.does("init", "--package", "kit", "-t", reference)
        let digest = String(try #require(packed.split(separator: "\n").last))
        try await author.does("push", reference)

        let user = try Newcomer()
        for (name, folder) in [(reference, "a"), ("\(address)/acme/kit@\(digest)", "b")] {
            let said = try await user.does("init", folder, "--template", name, "--set", "team=blue")
            #expect(said.contains("from the template \(name), \(digest)"))
            #expect(
                try Files.read(user.scratch.path.pushing(FilePath("\(folder)/team"))) == Array("blue".utf8))
        }
        let listed = try await user.does("init", "--list", "--template", reference)
        #expect(listed.contains("moonbit   http-headers  -      The house's"))
        // What is no template is said, and nothing is written.
        let filter = try await BuiltFilter.shared.value
        try await filter.does("tag", "add-header:v1", "\(address)/acme/filter:v1")
        try await filter.does("push", "\(address)/acme/filter:v1")
        let wrong = try await user.wasme("init", "c", "--template", "\(address)/acme/filter:v1")
        #expect(wrong.status == 1)
        #expect(wrong.stderr.contains("is no template: it is an image"), "\(wrong.stderr)")
        #expect(Files.kind(user.scratch.appending("c")) == nil)
    }

    @Test(
        arguments: [(80, "xterm", ""), (30, "xterm", ""), (80, "dumb", ""), (80, "xterm", "1")]
            as [(Int, String, String)])
    func `the wizard works on every terminal`(columns: Int, terminal: String, noColour: String) async throws {
        let newcomer = try Newcomer()
        let outcome = try await wizard(
            newcomer, columns: columns, ["TERM": terminal, "NO_COLOR": noColour],
            answers: [
                "Folder": "my filter\n", "Language": "swift\n", "Kind": "\n", "Name": "\n", "Targets": "\n",
            ])
        #expect(outcome.status == 0, "\(outcome.text)")
        #expect(Files.kind(newcomer.scratch.path.pushing("my filter/wasme.yaml")) == .file)
        var screen = TerminalScreen(columns: columns)
        screen.write(outcome.text)
        #expect(screen.strange.isEmpty, "\(screen.strange)")
        #expect((screen.renditions == 0) == (terminal == "dumb" || noColour == "1"))
    }

    @Test(arguments: ["\u{3}", "\u{4}", "q\n"]) func `Ctrl-C, Ctrl-D and q leave nothing`(
        key: String
    ) async throws {
        let newcomer = try Newcomer()
        let outcome = try await wizard(
            newcomer, columns: 80, ["TERM": "xterm"],
            answers: ["Folder": "new\n", "Name": key, "Language": "swift\n", "Kind": "\n"])
        #expect(outcome.status == 130, "\(outcome.text)")
        #expect(!(try Files.contents(newcomer.scratch.path)).contains("new"))
    }

    /// Runs `wasme init` on a terminal of its own, and answers each question once it is there.
    private func wizard(
        _ newcomer: Newcomer, columns: Int, _ environment: [String: String], answers: [String: String]
    ) async throws -> (status: Int32, text: String) {
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(master >= 0)
        defer { close(master) }
        // TIOCSPTLCK and TIOCGPTN, which Swift does not see.
        var (unlocked, number): (Int32, Int32) = (0, 0)
        var size = winsize(ws_row: 40, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        #expect(ioctl(master, 0x4004_5431, &unlocked) == 0)
        #expect(ioctl(master, 0x8004_5430, &number) == 0)
        #expect(ioctl(master, UInt(TIOCSWINSZ), &size) == 0)
        let slave = try FileHandle(forUpdating: URL(filePath: "/dev/pts/\(number)"))
        // The terminal is the one of a session of its own, so that Ctrl-C reaches the program.
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/setsid")
        process.arguments = ["--ctty", "--wait", buildFolder.appending("wasme").string, "init"]
        process.environment = newcomer.environment.merging(environment) { $1 }
        process.currentDirectoryURL = URL(filePath: newcomer.scratch.path.string)
        process.standardInput = slave
        process.standardOutput = slave
        process.standardError = slave
        try process.run()
        try slave.close()
        let text = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var bytes: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 4096)
                var open = answers
                var seen = 0
                while case let count = read(master, &buffer, buffer.count), count > 0 {
                    bytes += buffer[..<count]
                    let text = String(decoding: bytes[seen...], as: UTF8.self)
                    // A question ends with a colon and a blank, and nothing behind it.
                    guard text.hasSuffix(": ") else { continue }
                    for (question, answer) in open where text.contains(question) {
                        open[question] = nil
                        seen = bytes.count
                        _ = Array(answer.utf8).withUnsafeBytes { write(master, $0.baseAddress, $0.count) }
                        break
                    }
                }
                continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
            }
        }
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
