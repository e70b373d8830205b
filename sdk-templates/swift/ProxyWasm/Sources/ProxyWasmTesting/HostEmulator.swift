// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI
public import ProxyWasm

/// Plays the proxy for unit tests: configures plugins, sends them exchanges, and keeps what they did.
///
/// It behaves as Envoy does, down to what a filter can reach in which callback; a table of scenarios that runs here and
/// in Envoy holds it to that. Nothing happens by itself: the test sends what arrives, answers calls, and moves the clock.
/// Each emulator is a module of its own, so tests may run in parallel. One emulator belongs to one thread at a time.
public final class HostEmulator {
    /// A line that the module has logged.
    public struct LogLine: Hashable, Sendable, CustomStringConvertible {
        /// How much it matters.
        public let level: LogLevel
        /// What it says.
        public let message: Bytes

        /// The level and the message.
        public var description: String { "[\(level)] \(message)" }
    }

    /// A plugin that the module has made from a configuration.
    public typealias ConfiguredPlugin = ProxyWasmTesting.ConfiguredPlugin

    // MARK: What the test sets

    /// The properties that the module can read, besides those that follow from an exchange; the parts of a path are
    /// joined by dots, as in "source.address".
    public var properties: [Bytes: Bytes] = [:]

    /// The clusters that calls may go to; nil lets them go anywhere.
    public var clusters: Set<Bytes>?

    /// The functions that `callForeignFunction` finds; what one throws is what the host answers.
    ///
    /// Envoy's `clear_route_cache` is there; here it does nothing.
    public var foreignFunctions: [Bytes: (Bytes) throws(HostError) -> Bytes] = [
        "clear_route_cache": { _ in "" }
    ]

    /// The level below which lines are not logged.
    public var logLevel = LogLevel.trace

    /// How many bytes of a body the proxy keeps for a filter, as `per_connection_buffer_limit_bytes` in Envoy.
    public var bufferLimit = 1 << 20

    /// Whether a body is shown to a filter that has paused the headers, as `allow_on_headers_stop_iteration` in Envoy.
    public var allowsOnHeadersStopIteration = false

    /// The VM id: which shared values and queues the module has.
    public let vmID: Bytes

    /// The values and queues that several emulators may share.
    public let sharedMemory: SharedMemory

    // MARK: What the module left behind

    /// What the module has logged, in order.
    public internal(set) var log: [LogLine] = []

    /// The time that the module reads, in nanoseconds; ``advance(milliseconds:)`` moves it.
    public internal(set) var time: UInt64

    /// The calls that the module waits for, oldest first.
    public internal(set) var pendingCalls: [EmulatedCall] = []

    /// The gRPC calls and streams that are open, oldest first.
    public internal(set) var grpcCalls: [EmulatedGRPC] = []

    let module = Module()
    var metrics = MetricStore()
    var contexts: [UInt32: any HostContext] = [:]
    var plugins: [ConfiguredPlugin] = []
    /// Plugins whose `onDone` has returned false.
    var closingPlugins: [ConfiguredPlugin] = []
    var faults: [HostFunction: Fault] = [:]
    var callCounts = [Int](repeating: 0, count: HostFunction.allCases.count)
    var timers: [Timer] = []
    var lastTimer = 0
    let inbox = Inbox()
    /// Exchanges whose server has something to answer.
    var answerable: [EmulatedExchange] = []
    var vmConfiguration: Bytes = ""
    /// The plugin whose configuration the module can read now.
    var configuring: ConfiguredPlugin?
    var foreignArguments: Bytes = ""
    var answering: Answering?
    var status: (code: UInt32, message: Bytes) = (0, "")
    /// The next token of each kind of call; the two low bits tell the kind.
    var lastToken: [UInt32] = [0, 1, 2]
    /// The call in which the module is, and the context that it has the host act for.
    var current: (any HostContext)?
    var effective: UInt32 = 0
    var stopsIteration = false
    /// What the module has asked for that happens when its callback has returned.
    private var actions: [() -> Void] = []
    private var depth = 0
    private var lastID: UInt32 = 0

    let host = UnsafeMutablePointer<proxy_wasm_host>.allocate(capacity: 1)

    /// Makes an emulator of a module that offers no plugin yet.
    ///
    /// - Parameters:
    ///   - vmID: The id under which values and queues are shared.
    ///   - sharedMemory: What it shares with other emulators; its own by default.
    ///   - time: Where the clock starts, in nanoseconds since 1970.
    public init(
        vmID: Bytes = "", sharedMemory: SharedMemory = SharedMemory(),
        time: UInt64 = 1_700_000_000_000_000_000
    ) {
        self.vmID = vmID
        self.sharedMemory = sharedMemory
        self.time = time
        host.initialize(to: .emulated(by: self))
    }

    /// Makes an emulator of a module that offers one plugin for HTTP exchanges, and configures that.
    public convenience init<P: HTTPPlugin>(
        _ plugin: P.Type,
        configuration: Bytes = ""
    ) throws(ConfigurationRefused) {
        self.init()
        register(plugin)
        try configure(configuration)
    }

    /// Makes an emulator of a module that offers one filter without state, and configures that.
    public convenience init<F: StatelessHTTPFilter>(stateless filter: F.Type) {
        self.init()
        register(stateless: filter)
        // Such a module accepts every configuration.
        _ = try? configure()
    }

    /// Makes an emulator of a module that offers one plugin for connections, and configures that.
    public convenience init<P: NetworkPlugin>(
        _ plugin: P.Type,
        configuration: Bytes = ""
    ) throws(ConfigurationRefused) {
        self.init()
        register(plugin)
        try configure(configuration)
    }

    /// Makes an emulator of a module that offers one plugin that works in the background, and configures that.
    public convenience init<P: ProxyWasm.Plugin>(
        _ plugin: P.Type,
        configuration: Bytes = ""
    ) throws(ConfigurationRefused) {
        self.init()
        register(plugin)
        try configure(configuration)
    }

    deinit {
        proxy_wasm_close_ledger(host.pointee.ledger)
        host.deinitialize(count: 1)
        host.deallocate()
    }

    // MARK: Calls into the module

    /// Does something that comes from outside, and then what has been posted meanwhile.
    func turn<Result>(_ body: () -> Result) -> Result {
        depth += 1
        let result = body()
        if depth == 1 { settle() }
        depth -= 1
        return result
    }

    private func settle() {
        while true {
            if let arrival = inbox.take() {
                guard let plugin = plugins.first(where: { $0.id == arrival.root }) else { continue }
                callAndWait(in: plugin) { $0.onQueueReady(plugin.id, arrival.queue) }
            } else if !answerable.isEmpty {
                let exchange = answerable.removeFirst()
                if let response = exchange.serverResponse, !exchange.hasEnded {
                    exchange.serverResponse = nil
                    exchange.respond(response)
                }
            } else {
                return
            }
        }
    }

    /// Calls a callback of the module, and then does what that has asked for.
    func call(in context: any HostContext, _ body: (Module) -> UInt32) -> Flow.Answer {
        var isStopped = false
        let action = enter(context) { module in
            defer {
                isStopped = stopsIteration
                stopsIteration = false
            }
            return body(module)
        }
        runActions()
        return Flow.Answer(action: action, isStopped: isStopped)
    }

    /// As `call`, for a callback whose result is not an action.
    @discardableResult
    func callAndWait<Result>(in context: any HostContext, _ body: (Module) -> Result) -> Result {
        let result = enter(context, body)
        stopsIteration = false
        runActions()
        return result
    }

    private func enter<Result>(_ context: any HostContext, _ body: (Module) -> Result) -> Result {
        let outer = (current, effective)
        (current, effective) = (context, 0)
        let previous = proxy_wasm_set_host(host)
        defer {
            _ = proxy_wasm_set_host(previous)
            (current, effective) = outer
        }
        return body(module)
    }

    /// Runs code of a test as if it were the module's, in the context of no stream.
    package func run<Result>(_ body: () -> Result) -> Result {
        turn { callAndWait(in: NoContext(self)) { _ in body() } }
    }

    func afterCall(_ action: @escaping () -> Void) {
        actions.append(action)
    }

    private func runActions() {
        while !actions.isEmpty { actions.removeFirst()() }
    }

    /// What the host acts for: the context that the module has named, or the one that was called.
    var acting: (any HostContext)? {
        effective == 0 ? current : contexts[effective] ?? current
    }

    func nextID() -> UInt32 {
        lastID += 1
        return lastID
    }
}

/// Stands for the VM itself, which has no streams.
private final class NoContext: HostContext {
    let id: UInt32 = 0
    let plugin: ConfiguredPlugin

    init(_ host: HostEmulator) {
        plugin = ConfiguredPlugin(id: 0, rootID: "", host: host)
    }
}

/// The module has refused a configuration.
public struct ConfigurationRefused: Error, CustomStringConvertible {
    /// What was logged until then; the last line says why.
    public let log: [HostEmulator.LogLine]

    /// The last line of the log.
    public var description: String {
        log.last?.message.lossyString ?? "configuration refused without a reason"
    }
}
