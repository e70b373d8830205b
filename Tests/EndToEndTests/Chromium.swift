// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import SystemPackage
import TestSupport

/// A page of a real browser, which a test leads by the browser's debugging pipe (Chrome DevTools Protocol).
///
/// Cookies, forms, redirects, content security and the headers that say where a request comes from are the browser's.
final class Chromium: Sendable {
    private let process: Process
    private let commands: FileHandle
    private let state = Mutex(State())

    private struct State {
        var count = 0
        var waiting: [Int: CheckedContinuation<Data, any Error>] = [:]
        var isOver = false
        var session: String?
    }

    /// Starts a browser with a profile of its own and an empty page.
    /// - Parameters:
    ///   - program: Chromium.
    ///   - profile: a folder for what it keeps.
    ///   - runsScripts: whether scripts of pages run.
    /// - Throws: `ProcessFailure` if the browser does not start.
    init(_ program: FilePath, profile: FilePath, runsScripts: Bool = true) async throws {
        process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        // The browser takes commands from descriptor 3 and answers on 4.
        process.arguments =
            [
                "-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null", program.string,
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--remote-debugging-pipe", "--user-data-dir=\(profile.string)",
            ] + (runsScripts ? [] : ["--blink-settings=scriptEnabled=false"]) + ["about:blank"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        commands = input.fileHandleForWriting
        try process.run()
        let reading = output.fileHandleForReading
        Thread { [weak self] in
            var buffer = Data()
            while case let data = reading.availableData, !data.isEmpty {
                buffer += data
                while let end = buffer.firstIndex(of: 0) {
                    self?.take(buffer[..<end])
                    buffer = Data(buffer[(end + 1)...])
                }
            }
            self?.end()
        }.start()
        let target = try await send("Target.createTarget", ["url": "about:blank"])
        let attached = try await send(
            "Target.attachToTarget", ["targetId": target["targetId"] ?? "", "flatten": true])
        state.withLock { $0.session = attached["sessionId"] as? String }
        _ = try await send("Page.enable", [:])
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Ends the browser.
    func quit() { kill(process.processIdentifier, SIGKILL) }

    private func take(_ message: Data) {
        guard let object = try? JSONSerialization.jsonObject(with: message) as? [String: Any],
            let id = object["id"] as? Int
        else { return }
        state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: Data(message))
    }

    private func end() {
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting {
            continuation.resume(throwing: ProcessFailure(description: "the browser ended"))
        }
    }

    /// Sends a command and waits for what it gives.
    @discardableResult
    func send(_ method: String, _ parameters: [String: Any]) async throws -> [String: Any] {
        let (id, session) = state.withLock { state in
            state.count += 1
            return (state.count, state.session)
        }
        var message: [String: Any] = ["id": id, "method": method, "params": parameters]
        message["sessionId"] = session
        let bytes = try JSONSerialization.data(withJSONObject: message) + [0]
        let answer = try await withCheckedThrowingContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiting[id] = continuation }
                return state.isOver
            }
            if isOver {
                continuation.resume(throwing: ProcessFailure(description: "the browser has ended"))
            } else {
                commands.write(bytes)
            }
        }
        let object = try JSONSerialization.jsonObject(with: answer) as? [String: Any] ?? [:]
        if let error = object["error"] { throw ProcessFailure(description: "\(method): \(error)") }
        return object["result"] as? [String: Any] ?? [:]
    }

    // MARK: - What somebody does with a page

    /// Goes to an address and waits until the page is there.
    func open(_ address: String) async throws {
        try await leaving { _ = try await self.send("Page.navigate", ["url": address]) }
    }

    /// Goes to an address again and again until an expression of JavaScript is true of the page.
    func open(_ address: String, until expression: String, within seconds: Double = 60) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        try await open(address)
        while try await value("Boolean(\(expression))") != "true" {
            guard ContinuousClock.now < deadline else {
                throw ProcessFailure(description: "never true at \(address): \(expression)")
            }
            try await Task.sleep(for: .milliseconds(50))
            try await open(address)
        }
    }

    /// What an expression of JavaScript gives, as text.
    func value(_ expression: String) async throws -> String {
        let answer = try await send(
            "Runtime.evaluate", ["expression": "String(\(expression))", "returnByValue": true])
        if let problem = answer["exceptionDetails"] {
            throw ProcessFailure(description: "\(expression): \(problem)")
        }
        return (answer["result"] as? [String: Any])?["value"] as? String ?? ""
    }

    /// All that can be read on the page.
    func text() async throws -> String { try await value("document.body.innerText") }

    /// The page's source as the browser holds it.
    func html() async throws -> String { try await value("document.documentElement.outerHTML") }

    /// Types into a field.
    func type(_ text: String, into selector: String) async throws {
        _ = try await value("document.querySelector(\(quoted(selector))).select()")
        try await send("Input.insertText", ["text": text])
    }

    /// Clicks on something, whatever comes of it.
    func click(_ selector: String) async throws {
        _ = try await value("document.querySelector(\(quoted(selector))).click()")
    }

    /// Clicks on something that leads to another page, and waits for that.
    func follow(_ selector: String) async throws {
        try await leaving { try await self.click(selector) }
    }

    /// Waits until an expression of JavaScript is true.
    func wait(for expression: String, within seconds: Double = 60) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        // Between two pages there is nothing to ask.
        while (try? await value("Boolean(\(expression))")) != "true" {
            guard ContinuousClock.now < deadline else {
                throw ProcessFailure(description: "not true: \(expression); \((try? await text()) ?? "")")
            }
            try await Task.sleep(for: .milliseconds(30))
        }
    }

    private func leaving(_ work: () async throws -> Void) async throws {
        _ = try await value("window.isLeft = true")
        try await work()
        try await wait(for: "window.isLeft !== true && document.readyState === 'complete'")
    }

    private func quoted(_ text: String) -> String {
        let data = try? JSONSerialization.data(withJSONObject: [text])
        return String(decoding: data ?? Data(), as: UTF8.self) + "[0]"
    }
}
