// SPDX-License-Identifier: Apache-2.0

@testable import ProxyWasm

extension HostileWorld {
    /// Does some of what a plugin can do, chosen by chance, with what was kept before; half of what fails is thrown on.
    func act(_ context: some ProxyContext) throws(HostError) {
        for _ in 0..<dice.below(4) {
            do throws(HostError) {
                try operate(dice.below(Self.operationCount), context)
            } catch {
                if dice.one(in: 2) { throw error }
            }
        }
        if dice.one(in: 20) { kept = Kept() }
    }

    static var operationCount: Int { 55 }

    /// One use of the API for `context`, and for something that was kept.
    func operate(_ number: Int, _ context: some ProxyContext) throws(HostError) {
        switch number {
        case 0..<22: try operateOnStream(number)
        case 22..<38: try operateOnHost(number, context)
        default: try call(number, context)
        }
    }

    private func pick<Value>(_ values: [Value]) -> Value? {
        values.isEmpty ? nil : values[dice.below(values.count)]
    }

    private var name: Bytes { isRandom && dice.one(in: 3) ? Bytes(dice.bytes()) : "x-name" }
    private var value: Bytes { isRandom ? pick(kept.bytes) ?? Bytes(dice.bytes()) : "value" }
    private var fields: [HeaderField] { [HeaderField(":method", "GET"), HeaderField(name, value)] }

    private func operateOnStream(_ number: Int) throws(HostError) {
        let stream = pick(kept.streams)
        let map = pick(kept.maps)
        let body = pick(kept.bodies)
        switch number {
        case 0: if let found = try map?.get(name) { kept.bytes.append(found) }
        case 1: try map?.set(name, to: value)
        case 2: try map?.add(name, value)
        case 3: try map?.remove(name)
        case 4: if let all = try map?.all() { kept.bytes += all.map(\.value) }
        case 5: try map?.replaceAll(with: fields)
        case 6: _ = try map?.byteCount
        case 7: try stream?.resumeRequest()
        case 8: try stream?.resumeResponse()
        case 9: try stream?.reset()
        case 10:
            try stream?.respond(
                status: 403, headers: fields, body: value, details: name, grpcStatus: .aborted)
        case 11: if let bytes = try body?.bytes { kept.bytes.append(bytes) }
        case 12:
            if let bytes = try body?.bytes(from: dice.size(), count: dice.size()) { kept.bytes.append(bytes) }
        case 13: try body?.replace(with: value)
        case 14: try body?.prepend(value)
        case 15: try body?.append(value)
        case 16: try body?.removeFirst(dice.size())
        case 17: try stream?.clearRouteCache()
        case 18: try pick(kept.data)?.replace(with: value)
        case 19: try pick(kept.connections)?.close()
        case 20: try pick(kept.connections)?.resumeUpstream()
        default:
            try pick(kept.connections)?.closeUpstream()
            try pick(kept.connections)?.resumeDownstream()
        }
    }

    private func operateOnHost(_ number: Int, _ context: some ProxyContext) throws(HostError) {
        switch number {
        case 22: kept.bytes.append(try context.property("request", "path") ?? "")
        case 23: try context.setProperty(name, to: value)
        case 24:
            _ = try context.attribute(.requestPath)
            _ = try context.attribute(.responseCode)
            _ = try context.attribute(.connectionIsMutualTLS)
        case 25: if let entry = try SharedData.get(name) { kept.entries.append(entry) }
        case 26: _ = try SharedData.set(name, to: value, ifUnchangedSince: pick(kept.entries))
        case 27:
            // A test whose host always says that somebody was faster has to see the end of it.
            try SharedData.update(name) { old throws(HostError) in old.map { "\($0)x" } ?? "x" }
        case 28: try SharedData.set(name, to: value)
        case 29: kept.queues.append(try SharedQueue.register(name))
        case 30: if let queue = try SharedQueue.find(name, vmID: "vm") { kept.queues.append(queue) }
        case 31: try pick(kept.queues)?.enqueue(value)
        case 32: if let message = try pick(kept.queues)?.dequeue() { kept.bytes.append(message) }
        case 33:
            let gauge = try Gauge(name)
            try gauge.add(Int64(bitPattern: dice.next()))
            try gauge.record(dice.next())
        case 34: kept.counters.append(try Counter(name))
        case 35:
            try pick(kept.counters)?.increment(by: dice.next())
            _ = try Counter(name).value
            try Histogram(name).record(dice.next())
        case 36:
            if try Log.level <= .debug { Log.debug("\(value) \(value.isUTF8) \(value.trimmed.count)") }
            _ = try HostClock.now
        default:
            try pick(kept.plugins)?.setTickPeriod(milliseconds: 1)
            try context.done()
        }
    }

    private func call(_ number: Int, _ context: some ProxyContext) throws(HostError) {
        let witness = LifeWitness()
        switch number {
        case 38...41:
            try context.httpCall(to: name, headers: fields, body: value, trailers: fields) {
                answer throws(HostError) in
                defer { withExtendedLifetime(witness) {} }
                guard case .success(let response) = answer, let world = HostileWorld.current else { return }
                _ = try response.status
                world.kept.responses.append(response)
                world.kept.maps.append(response.headers)
                world.kept.bytes.append(try response.body)
                try world.act(context)
            }
        case 42, 43:
            let call = try context.grpcCall(to: .cluster(name), service: name, method: name, message: value) {
                answer throws(HostError) in
                defer { withExtendedLifetime(witness) {} }
                if case .success(let message) = answer { HostileWorld.current?.kept.bytes.append(message) }
                try HostileWorld.current?.act(context)
            }
            kept.grpcCalls.append(call)
        case 44, 45:
            let stream = try context.grpcStream(
                to: .raw(value), service: name, method: name, initialMetadata: fields
            ) {
                event throws(HostError) in
                defer { withExtendedLifetime(witness) {} }
                if case .initialMetadata(let map) = event { HostileWorld.current?.kept.maps.append(map) }
                if case .message(let message) = event { HostileWorld.current?.kept.bytes.append(message) }
                try HostileWorld.current?.act(context)
            }
            kept.grpcStreams.append(stream)
        case 46: try pick(kept.grpcCalls)?.cancel()
        case 47: try pick(kept.grpcStreams)?.send(value, endOfStream: dice.one(in: 2))
        case 48: try pick(kept.grpcStreams)?.close()
        case 49: try pick(kept.grpcStreams)?.cancel()
        case 50:
            _ = try pick(kept.responses)?.body
            _ = try pick(kept.responses)?.trailers.all()
        case 51:
            kept.bytes.append(try context.callForeignFunction(name, value))
            try context.setEnvoyFilterState(name, to: value)
        case 52:
            let expression = try CELExpression(value)
            _ = try expression.evaluate(as: Bytes.self, for: context)
            kept.expressions.append(expression)
        case 53:
            try context.resolveDNS(name) { addresses throws(HostError) in
                defer { withExtendedLifetime(witness) {} }
                HostileWorld.current?.kept.bytes += addresses.map(\.address)
                try HostileWorld.current?.act(context)
            }
        default:
            kept.bytes.append(try Envoy.compress(value))
            _ = try Envoy.sign(value, with: .pem(name))
            _ = try Envoy.verify(value, of: name, with: .der(name))
        }
    }
}
