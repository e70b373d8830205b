// SPDX-License-Identifier: Apache-2.0

import CMemory
import ProxyWasm

/// Does with every request what can leave memory behind: headers, bodies both ways, a call-out and shared data.
final class Soak: HTTPPlugin {
    static var rootID: Bytes { "soak" }

    let answers: Counter
    let failures: Counter
    let memory: Gauge

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        do throws(HostError) {
            answers = try Counter("soak.answers")
            failures = try Counter("soak.failures")
            memory = try Gauge("soak.memory")
        } catch {
            throw ConfigurationError(error.message)
        }
    }

    func makeFilter(for stream: HTTPStream) -> SoakFilter { SoakFilter(plugin: self) }
}

final class SoakFilter: HTTPFilter {
    private let plugin: Soak
    private var path: Bytes = ""
    private var names = 0
    private var size = 0

    init(plugin: Soak) {
        self.plugin = plugin
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        path = try request.path ?? "/"
        for field in try request.headers.all() where field.name.hasPrefix("x-") { names += 1 }
        try request.headers.remove("content-length")
        try request.headers.set("x-names", to: "\(names) on \(path)")
        let call = [
            HeaderField(":method", "POST"), HeaderField(":path", "/check"),
            HeaderField(":authority", "backend"),
        ]
        try request.stream.httpCall(to: "backend", headers: call, body: "check \(path)") {
            [self] answer throws(HostError) in
            switch answer {
            case .success(let response):
                try remember(try response.body, try response.status ?? 0)
                try plugin.answers.increment()
            case .failure:
                try plugin.failures.increment()
            }
            try request.stream.resumeRequest()
        }
        return .pause
    }

    private func remember(_ body: Bytes, _ status: UInt32) throws(HostError) {
        try SharedData.update("last") { old throws(HostError) in
            "\(status) \(body.count) after \(old?.count ?? 0)"
        }
        try SharedData.set("path", to: path)
    }

    func onRequestBody(_ body: HTTPBody) throws(HostError) -> BodyAction {
        guard body.isEndOfStream else { return .pause }
        size = body.count
        try body.replace(with: try body.bytes.lowercasedASCII)
        return .continue
    }

    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        try response.headers.remove("content-length")
        try response.headers.set("x-seen", to: "\(names) names, \(size) bytes")
        return .continue
    }

    func onResponseBody(_ body: HTTPBody) throws(HostError) -> BodyAction {
        guard body.isEndOfStream else { return .pause }
        let last = try SharedData.get("last")?.value ?? "nothing"
        try body.replace(with: "\(last): \(try body.bytes)")
        return .continue
    }

    func onLog(_ stream: HTTPStream) throws(HostError) {
        try plugin.memory.record(UInt64(soak_memory_size()))
    }

    func onError(_ error: HostError, in stream: HTTPStream) -> Action {
        Log.error(error.message)
        return .continue
    }
}
