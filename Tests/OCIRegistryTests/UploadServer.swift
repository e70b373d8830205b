// SPDX-License-Identifier: Apache-2.0

import LoopbackServer
import Synchronization

/// The uploads of a registry that can be told to misbehave.
final class UploadServer: Sendable {
    struct State {
        var stored: [UInt8] = []
        var log: [String] = []
        var isDone = false
    }

    let state = Mutex(State())

    var log: [String] { state.withLock { $0.log } }
    var stored: [UInt8] { state.withLock { $0.stored } }

    /// Takes an upload in one piece or in chunks, after `misbehave` had its say.
    func serve(
        _ exchange: LoopbackExchange, location: String = "/up/1?_state=s%3D",
        misbehave: (LoopbackExchange, inout State) throws -> Bool = { _, _ in false }
    ) throws {
        let request = exchange.request
        let isOver = try state.withLock { state in
            let range = request.header("Content-Range").map { " \($0)" } ?? ""
            state.log.append("\(request.method) \(request.target)\(range)")
            return try misbehave(exchange, &state)
        }
        if isOver { return }
        switch request.method {
        case "HEAD": try exchange.respond(state.withLock { $0.isDone } ? 200 : 404)
        case "POST":
            state.withLock { $0.stored = [] }
            try exchange.respond(202, headers: [("Location", location)])
        case "DELETE":
            state.withLock { $0.stored = [] }
            try exchange.respond(204)
        case "GET": try exchange.respond(204, headers: [("Location", location), ("Range", reached)])
        case "PATCH":
            let body = try exchange.body()
            state.withLock { $0.stored += body }
            try exchange.respond(202, headers: [("Location", location), ("Range", reached)])
        case "PUT":
            let body = try exchange.body()
            state.withLock {
                $0.stored += body
                $0.isDone = true
            }
            try exchange.respond(201)
        default: try exchange.respond(405)
        }
    }

    private var reached: String { "0-\(max(0, stored.count - 1))" }
}
