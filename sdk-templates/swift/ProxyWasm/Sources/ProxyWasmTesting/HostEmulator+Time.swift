// SPDX-License-Identifier: Apache-2.0

internal import ProxyWasm

extension HostEmulator {
    /// Something that happens at a time.
    struct Timer {
        let id: Int
        let time: UInt64
        let fire: () -> Void
    }

    /// Moves the clock; ticks and timeouts that fall into the time happen in their order.
    public func advance(milliseconds: UInt64) {
        let end = time + milliseconds * 1_000_000
        turn {}
        while let next = timers.filter({ $0.time <= end }).min(by: { ($0.time, $0.id) < ($1.time, $1.id) }) {
            timers.removeAll { $0.id == next.id }
            time = max(time, next.time)
            turn(next.fire)
        }
        time = end
    }

    /// Does what other threads have posted: tells plugins of messages in their queues.
    ///
    /// Every other method does so too before it returns.
    public func dispatch() {
        turn {}
    }

    func schedule(afterMilliseconds delay: UInt64, _ fire: @escaping () -> Void) -> Int {
        lastTimer += 1
        timers.append(Timer(id: lastTimer, time: time + delay * 1_000_000, fire: fire))
        return lastTimer
    }

    func cancelTimer(_ id: Int) {
        timers.removeAll { $0.id == id }
    }

    /// Starts, changes or, with 0, ends the timer of a plugin.
    func setTick(of plugin: ConfiguredPlugin, to milliseconds: UInt64) {
        if let tick = plugin.tick { cancelTimer(tick.timer) }
        plugin.tick = nil
        guard milliseconds > 0 else { return }
        let timer = schedule(afterMilliseconds: milliseconds) { [weak self, weak plugin] in
            guard let self, let plugin, let fired = plugin.tick?.timer else { return }
            callAndWait(in: plugin) { $0.onTick(plugin.id) }
            // The next interval begins when the callback has returned, unless that has set another.
            if let tick = plugin.tick, tick.timer == fired { setTick(of: plugin, to: tick.period) }
        }
        plugin.tick = (milliseconds, timer)
    }
}
