// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// A plugin whose filters do in each callback what the request header "x-script" says, and log what came of it.
///
/// It runs in the test host and in Envoy; the logs must be the same. A script consists of phases, separated by "|", each
/// with its name, a colon and operations, separated by ";", each with its arguments, separated by spaces.
public final class Parity: HTTPPlugin {
    public static var rootID: Bytes { "parity" }
    public static var marksBuild: Bool { false }

    let context: PluginContext
    let queue: SharedQueue
    /// Streams that want something done at the next tick.
    var waiting: [ParityFilter] = []
    /// The stream that hears of messages in the queue.
    var listener: ParityFilter?

    public init(configuration: PluginConfiguration) throws(ConfigurationError) {
        context = configuration.context
        do throws(HostError) {
            queue = try SharedQueue.register("parity")
        } catch {
            throw ConfigurationError(error.message)
        }
    }

    public func makeFilter(for stream: HTTPStream) -> ParityFilter {
        ParityFilter(plugin: self, stream: stream)
    }

    public func onTick(_ context: PluginContext) throws(HostError) {
        let streams = waiting
        waiting = []
        if streams.isEmpty { return }
        try context.setTickPeriod(milliseconds: 0)
        for filter in streams { _ = filter.run("tick", "") }
    }

    public func onQueueReady(_ queue: SharedQueue, _ context: PluginContext) throws(HostError) {
        _ = listener?.run("queue", "")
    }
}

/// The filter of one exchange.
public final class ParityFilter: HTTPFilter {
    let plugin: Parity
    let stream: HTTPStream
    var name: Bytes = "?"
    var script: Bytes = ""
    var body: HTTPBody?
    var answer: HTTPCallResponse?
    var entry: SharedData.Entry?
    var action = BodyAction.continue
    var holdsEnd = false

    init(plugin: Parity, stream: HTTPStream) {
        self.plugin = plugin
        self.stream = stream
    }

    public func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        script = try request.headers.get("x-script") ?? ""
        name = try request.headers.get("x-name") ?? "?"
        return run("request", "\(request.isEndOfStream)")
    }

    public func onRequestBody(_ body: HTTPBody) throws(HostError) -> BodyAction {
        self.body = body
        _ = run("request-body", "\(body.count) \(body.isEndOfStream)")
        return action
    }

    public func onRequestTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Action {
        run("request-trailers", "")
    }

    public func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        run("response", "\(response.isEndOfStream)")
    }

    public func onResponseBody(_ body: HTTPBody) throws(HostError) -> BodyAction {
        self.body = body
        _ = run("response-body", "\(body.count) \(body.isEndOfStream)")
        return action
    }

    public func onResponseTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Action {
        run("response-trailers", "")
    }

    public func onDone(_ stream: HTTPStream) -> Bool {
        _ = run("done", "")
        return !holdsEnd
    }

    public func onLog(_ stream: HTTPStream) throws(HostError) {
        _ = run("log", "")
    }

    public func onDelete(_ stream: HTTPStream) {
        _ = run("delete", "")
    }

    public func onError(_ error: HostError, in stream: HTTPStream) -> Action {
        say("onError \(error.message)")
        return .continue
    }

    func say(_ message: Bytes) {
        Log.info("#\(name) \(message)")
    }

    /// Logs that a phase has come, and does what the script says for it.
    func run(_ phase: Bytes, _ detail: Bytes) -> Action {
        action = .continue
        say("\(phase) \(detail)")
        var rest: Bytes? = script
        while let part = rest?.next(UInt8(ascii: "|"), &rest) {
            let (before, after) = part.trimmed.split(at: UInt8(ascii: ":")) ?? (part, "")
            guard before.trimmed == phase else { continue }
            var operations: Bytes? = after
            while let operation = operations?.next(UInt8(ascii: ";"), &operations) {
                perform(operation.trimmed)
            }
        }
        return action == .continue ? .continue : .pause
    }

    private func perform(_ operation: Bytes) {
        do throws(HostError) {
            if let result = try perform(Words(operation)) { say("  \(operation) = \(result)") }
        } catch {
            say("  \(operation) ! \(error.status.rawValue)")
        }
    }
}

extension Bytes {
    /// What stands before the next separator; `rest` becomes what follows, or nil at the end.
    func next(_ separator: UInt8, _ rest: inout Bytes?) -> Bytes {
        guard let (before, after) = split(at: separator) else {
            rest = nil
            return self
        }
        rest = after
        return before
    }
}

/// An operation and its arguments.
struct Words {
    private var rest: Bytes?

    init(_ line: Bytes) {
        rest = line
    }

    mutating func next() -> Bytes {
        rest?.next(0x20, &rest) ?? ""
    }
}
