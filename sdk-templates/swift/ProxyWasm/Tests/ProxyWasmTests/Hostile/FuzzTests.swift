// SPDX-License-Identifier: Apache-2.0

import CProxyWasmABI
import Foundation
import Testing

@testable import ProxyWasm

/// Random sequences of callbacks, in orders that hosts use and in others, against plugins that use all of the API and a
/// host that answers anything.
///
/// `WASME_FUZZ_SECONDS` says for how long, `WASME_FUZZ_SEED` where to begin: every world has a seed of its own, and a
/// failure names it.
@Suite struct FuzzTests {
    @Test func `no sequence of callbacks crashes the module or leaves anything behind`() throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = environment["WASME_FUZZ_SECONDS"].flatMap(Double.init) ?? 5
        let first = environment["WASME_FUZZ_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...0xFFFF_FFFF)
        // A crash leaves no other trace.
        print("fuzz: WASME_FUZZ_SEED=\(first)")
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var (seed, longest, steps) = (first, Duration.zero, 0)
        repeat {
            let before = proxy_wasm_outstanding()
            let duration = clock.measure { steps += live(seed) }
            longest = max(longest, duration)
            try #require(proxy_wasm_outstanding() == before, "memory is left behind; WASME_FUZZ_SEED=\(seed)")
            try #require(duration < .seconds(30), "a world takes \(duration); WASME_FUZZ_SEED=\(seed)")
            seed += 1
        } while clock.now < end
        print("fuzz: \(seed - first) worlds, \(steps) callbacks, the longest world took \(longest)")
    }

    /// The whole life of a module in a random host; the number of callbacks.
    private func live(_ seed: UInt64) -> Int {
        let world = HostileWorld()
        world.dice = Dice(seed: seed)
        world.answer = { [unowned world] function in
            // What a log call answers is nobody's concern, and what is logged is no source of chance.
            if function == .log { return HostAnswer() }
            return HostAnswer(
                status: world.dice.status(), bytes: world.dice.one(in: 8) ? nil : world.dice.bytes(),
                number: UInt32(world.dice.below(40)))
        }
        world.module.register(Restless.self)
        if world.dice.one(in: 2) {
            world.module.register(Plain.self)
            world.module.register(Wire.self)
        }
        var driver = CallbackDriver(world: world)
        let steps = world.dice.below(600)
        for _ in 0..<steps { driver.step() }
        driver.deleteAll()
        #expect(world.module.contextCount == 0, "WASME_FUZZ_SEED=\(seed)")
        #expect(world.module.callCount == 0, "WASME_FUZZ_SEED=\(seed)")
        world.call { _ in world.kept = HostileWorld.Kept() }
        #expect(world.alive == 0, "filters or closures are left behind; WASME_FUZZ_SEED=\(seed)")
        return steps
    }
}

/// Calls the module as a host does, or as none would.
private struct CallbackDriver {
    let world: HostileWorld
    private var ids: [UInt32] = []

    init(world: HostileWorld) {
        self.world = world
    }

    /// The id of a context, of a deleted one, or of none.
    private var id: UInt32 {
        if world.dice.one(in: 12) { return UInt32(truncatingIfNeeded: world.dice.next()) }
        return ids.isEmpty ? 0 : ids[world.dice.below(ids.count)]
    }

    private mutating func newID() -> UInt32 {
        let new = world.dice.one(in: 20) ? id : UInt32(ids.count + 1)
        ids.append(new)
        return new
    }

    mutating func step() {
        let id = id
        let count = world.dice.size()
        let end = world.dice.one(in: 2)
        let token = UInt32(world.dice.below(40))
        switch world.dice.below(30) {
        case 0: _ = world.call { $0.onVMStart(id, size: count) }
        case 1:
            let root = newID()
            world.call {
                $0.onContextCreate(root, parent: 0)
                _ = $0.onConfigure(root, size: count)
            }
        case 2:
            ids.append(id)
            world.call { _ = $0.onConfigure(id, size: count) }
        case 3, 4, 5:
            let stream = newID()
            world.call { $0.onContextCreate(stream, parent: id) }
        case 6, 7: world.call { $0.onDelete(id) }
        case 8...11: passRequest(id, count, end)
        case 12...14: passResponse(id, count, end)
        case 15: world.call { $0.enter(id)?.onTick() }
        case 16: world.call { $0.enter(id)?.onQueueReady(token) }
        case 17:
            world.call {
                $0.enter(id)?.onForeignFunction(token, size: count)
                $0.enter(id)?.onStatsUpdate(count)
            }
        case 18: _ = world.call { $0.enter(id)?.onDone() }
        case 19: world.call { $0.enter(id)?.onLog() }
        case 20...22: connect(id, count, end)
        default: answer(id, token, count)
        }
    }

    private func passRequest(_ id: UInt32, _ count: Int, _ end: Bool) {
        world.call { module in
            _ = module.enter(id)?.onRequestHeaders(count, endOfStream: end)
            if world.dice.one(in: 2) { _ = module.enter(id)?.onRequestBody(count, endOfStream: end) }
            if world.dice.one(in: 4) { _ = module.enter(id)?.onRequestTrailers(count) }
            if world.dice.one(in: 8) { _ = module.enter(id)?.onRequestMetadata(count) }
        }
    }

    private func passResponse(_ id: UInt32, _ count: Int, _ end: Bool) {
        world.call { module in
            if world.dice.one(in: 2) { _ = module.enter(id)?.onResponseHeaders(count, endOfStream: end) }
            if world.dice.one(in: 2) { _ = module.enter(id)?.onResponseBody(count, endOfStream: end) }
            if world.dice.one(in: 4) { _ = module.enter(id)?.onResponseTrailers(count) }
            if world.dice.one(in: 8) { _ = module.enter(id)?.onResponseMetadata(count) }
        }
    }

    private func connect(_ id: UInt32, _ count: Int, _ end: Bool) {
        let peer = UInt32(world.dice.below(5))
        world.call { module in
            if world.dice.one(in: 2) { _ = module.enter(id)?.onNewConnection() }
            _ = module.enter(id)?.onDownstreamData(count, endOfStream: end)
            if world.dice.one(in: 2) { _ = module.enter(id)?.onUpstreamData(count, endOfStream: end) }
            if world.dice.one(in: 4) { module.enter(id)?.onDownstreamClose(peer) }
            if world.dice.one(in: 4) { module.enter(id)?.onUpstreamClose(peer) }
        }
    }

    private func answer(_ id: UInt32, _ token: UInt32, _ count: Int) {
        let kind = world.dice.below(7)
        world.call { module in
            switch kind {
            case 0, 1:
                let event = CallEvent.httpResponse(headers: count, bodySize: count, trailers: count)
                module.deliver(id, .http, token, event)
            case 2: module.deliverGRPC(id, token, .initialMetadata(count: count))
            case 3: module.deliverGRPC(id, token, .message(size: count))
            case 4: module.deliverGRPC(id, token, .trailingMetadata(count: count))
            case 5: module.deliverGRPC(id, token, .closed(status: UInt32(truncatingIfNeeded: count)))
            default: module.deliver(id, .dns, token, .addresses(size: count))
            }
        }
    }

    func deleteAll() {
        for id in Set(ids).sorted(by: >) { world.call { $0.onDelete(id) } }
    }
}
