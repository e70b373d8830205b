// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

extension HostEmulator {
    /// Begins an exchange with a plugin, by default the one that was configured last.
    public func begin(with plugin: ConfiguredPlugin? = nil) -> EmulatedExchange {
        let plugin = plugin ?? plugins.last ?? ConfiguredPlugin(id: 0, rootID: "", host: self)
        let exchange = EmulatedExchange(id: nextID(), plugin: plugin, host: self)
        contexts[exchange.id] = exchange
        turn { callAndWait(in: exchange) { $0.onContextCreate(exchange.id, parent: plugin.id) } }
        return exchange
    }

    /// Sends a whole exchange through a plugin, as far as that lets it.
    ///
    /// The server answers with `response` as soon as it has the request. If the filter pauses the exchange, it stays
    /// open: answer ``pendingCalls`` or ``advance(milliseconds:)`` the clock, and it goes on.
    @discardableResult
    public func exchange(
        with plugin: ConfiguredPlugin? = nil,
        _ request: HTTPMessage,
        response: HTTPMessage = .response()
    ) -> EmulatedExchange {
        let exchange = begin(with: plugin)
        exchange.serverResponse = response
        exchange.send(request)
        return exchange
    }

    /// Sends a whole exchange through a plugin, without bodies: request, response, end.
    @discardableResult
    public func exchange(
        with plugin: ConfiguredPlugin? = nil,
        request: Headers = [":method": "GET", ":scheme": "http", ":authority": "localhost", ":path": "/"],
        response: Headers = [":status": "200"]
    ) -> EmulatedExchange {
        exchange(with: plugin, HTTPMessage(headers: request), response: HTTPMessage(headers: response))
    }

    /// Begins a connection with a plugin, by default the one that was configured last.
    public func connect(with plugin: ConfiguredPlugin? = nil) -> EmulatedConnection {
        let plugin = plugin ?? plugins.last ?? ConfiguredPlugin(id: 0, rootID: "", host: self)
        let connection = EmulatedConnection(id: nextID(), plugin: plugin, host: self)
        contexts[connection.id] = connection
        turn {
            callAndWait(in: connection) { $0.onContextCreate(connection.id, parent: plugin.id) }
            connection.start()
        }
        return connection
    }

    func serverHasRequest(_ exchange: EmulatedExchange) {
        if exchange.serverResponse != nil { answerable.append(exchange) }
    }

    func forget(_ context: any HostContext) {
        contexts[context.id] = nil
    }

    /// The messages that were logged at a level.
    public func messages(at level: LogLevel) -> [Bytes] {
        log.filter { $0.level == level }.map(\.message)
    }
}
