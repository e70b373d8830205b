// SPDX-License-Identifier: Apache-2.0

@testable import ProxyWasm

/// A plugin that uses all of the API, in any order: see `HostileWorld.act`.
final class Restless: HTTPPlugin {
    static var rootID: Bytes { "restless" }
    private let witness = LifeWitness()

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        guard let world = HostileWorld.current else { return }
        world.kept.plugins.append(configuration.context)
        world.kept.bytes.append(configuration.vmBytes)
        // What is not JSON is refused by chance only, so that there are plugins to go on with.
        do throws(ConfigurationError) {
            let json = try configuration.json()
            try json.allow("a", "header", "value")
            _ = try json["header"].headerName(default: "hello")
            _ = try json["a"].elements().first?.members()
        } catch {
            if world.dice.one(in: 4) { throw error }
        }
        do throws(HostError) {
            try world.act(configuration.context)
        } catch {
            if world.dice.one(in: 4) { throw ConfigurationError(error.message) }
        }
    }

    func makeFilter(for stream: HTTPStream) -> RestlessFilter { RestlessFilter(stream) }
    func onTick(_ context: PluginContext) throws(HostError) { try HostileWorld.current?.act(context) }
    func onQueueReady(_ queue: SharedQueue, _ context: PluginContext) throws(HostError) {
        HostileWorld.current?.kept.queues.append(queue)
        try HostileWorld.current?.act(context)
    }
    func onForeignFunction(_ call: ForeignCall, _ context: PluginContext) throws(HostError) {
        HostileWorld.current?.kept.bytes.append(try call.arguments)
        try HostileWorld.current?.act(context)
    }
    func onStatsUpdate(_ statistics: StatsUpdate, _ context: PluginContext) throws(HostError) {
        try statistics.forEach { HostileWorld.current?.kept.bytes.append($0.name) }
        try HostileWorld.current?.act(context)
    }
    func onDone(_ context: PluginContext) -> Bool { HostileWorld.current?.dice.one(in: 2) ?? true }
}

final class RestlessFilter: HTTPFilter {
    private let witness = LifeWitness()
    private let world = HostileWorld.current

    init(_ stream: HTTPStream) {
        world?.kept.streams.append(stream)
    }

    private func act(_ stream: HTTPStream) throws(HostError) -> Action {
        try world?.act(stream)
        return world?.dice.one(in: 3) ?? false ? .pause : .continue
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        world?.kept.maps.append(request.headers)
        _ = try request.path
        return try act(request.stream)
    }
    func onRequestBody(_ body: HTTPBody) throws(HostError) -> BodyAction {
        world?.kept.bodies.append(body)
        _ = try act(body.stream)
        return BodyAction(rawValue: UInt32(world?.dice.below(4) ?? 0)) ?? .continue
    }
    func onRequestTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Action {
        world?.kept.maps.append(trailers.fields)
        return try act(trailers.stream)
    }
    func onRequestMetadata(_ metadata: HTTPMetadata) throws(HostError) -> Action { try act(metadata.stream) }
    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        world?.kept.maps.append(response.headers)
        _ = try response.status
        return try act(response.stream)
    }
    func onResponseBody(_ body: HTTPBody) throws(HostError) -> Action {
        world?.kept.bodies.append(body)
        return try act(body.stream)
    }
    func onResponseTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Action { try act(trailers.stream) }
    func onResponseMetadata(_ metadata: HTTPMetadata) throws(HostError) -> Action { try act(metadata.stream) }
    func onDone(_ stream: HTTPStream) -> Bool { world?.dice.one(in: 2) ?? true }
    func onLog(_ stream: HTTPStream) throws(HostError) { try world?.act(stream) }
    func onDelete(_ stream: HTTPStream) {
        do throws(HostError) {
            try world?.act(stream)
        } catch {
            Log.error(error.message)
        }
    }
    func onError(_ error: HostError, in stream: HTTPStream) -> Action {
        Log.warning(error.message)
        return .continue
    }
}

/// A plugin that leaves all it can to the defaults.
final class Plain: HTTPPlugin {
    static var rootID: Bytes { "plain" }
    static var countsRequests: Bool { true }
    private let witness = LifeWitness()

    init(configuration: PluginConfiguration) throws(ConfigurationError) {}

    func makeFilter(for stream: HTTPStream) -> PlainFilter { PlainFilter() }
}

final class PlainFilter: HTTPFilter {
    private let witness = LifeWitness()

    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        try response.headers.set("x-plain", to: try response.headers.get("x-name") ?? "none")
        return .continue
    }
}

/// A plugin for connections.
final class Wire: NetworkPlugin {
    static var rootID: Bytes { "wire" }
    private let witness = LifeWitness()

    init(configuration: PluginConfiguration) throws(ConfigurationError) {}

    func makeFilter(for connection: Connection) -> WireFilter { WireFilter(connection) }
}

final class WireFilter: NetworkFilter {
    private let witness = LifeWitness()
    private let world = HostileWorld.current

    init(_ connection: Connection) {
        world?.kept.connections.append(connection)
    }

    func onNewConnection(_ connection: Connection) throws(HostError) -> Action {
        try world?.act(connection)
        return .continue
    }
    func onDownstreamData(_ data: ConnectionData) throws(HostError) -> Action {
        world?.kept.data.append(data)
        try world?.act(data.stream)
        return .pause
    }
    func onUpstreamData(_ data: ConnectionData) throws(HostError) -> Action {
        try data.replace(with: try data.bytes)
        return .continue
    }
    func onDownstreamClose(_ peer: ClosingPeer, _ connection: Connection) throws(HostError) {
        try world?.act(connection)
    }
    func onUpstreamClose(_ peer: ClosingPeer, _ connection: Connection) throws(HostError) {
        try world?.act(connection)
    }
    func onLog(_ connection: Connection) throws(HostError) { try world?.act(connection) }
}

/// A plugin whose filters do what a test says.
final class Obedient: HTTPPlugin {
    static var rootID: Bytes { "obedient" }
    private let witness = LifeWitness()

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        _ = try json["header"].headerName(default: "hello")
        _ = try json["value"].headerValue(default: "world")
    }

    func makeFilter(for stream: HTTPStream) -> ObedientFilter { ObedientFilter() }
}

final class ObedientFilter: HTTPFilter {
    private let witness = LifeWitness()
    private let world = HostileWorld.current

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        try world?.script?(request.stream, nil)
        return .continue
    }
    func onRequestBody(_ body: HTTPBody) throws(HostError) -> Action {
        try world?.script?(body.stream, body)
        return .continue
    }
    func onError(_ error: HostError, in stream: HTTPStream) -> Action {
        world?.errors.append(error)
        return .continue
    }
}
