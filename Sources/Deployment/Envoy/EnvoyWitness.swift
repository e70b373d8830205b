// SPDX-License-Identifier: Apache-2.0

import EnvoyControl

/// One Envoy while a change is made: what its statistics said before, and what they say since.
struct EnvoyWitness: Sendable {
    let admin: EnvoyAdmin
    let slot: SlotFolder
    let concurrency: Int

    /// The statistics at one moment.
    struct Moment: Sendable {
        let readings: EnvoyReadings
        let uptime: Int?
        let time: ContinuousClock.Instant
    }

    /// What came of one write.
    enum Verdict: Sendable {
        case accepted(wasRestarted: Bool)
        case rejected(wasRestarted: Bool)
        case unseen(because: String)
    }

    init(_ admin: EnvoyAdmin, _ slot: SlotFolder, concurrency: Int) {
        var admin = admin
        // A filter that never returns also keeps the admin interface from answering.
        admin.patience = 2
        self.admin = admin
        self.slot = slot
        self.concurrency = concurrency
    }

    static let activeCounter = "wasm.envoy.wasm.runtime.v8.active"
    static let createdCounter = "wasm.envoy.wasm.runtime.v8.created"

    /// What is read of its statistics.
    private var pattern: String {
        // Not one for each place: there may be many, and the pattern is a part of an address.
        let name =
            slot.isSingleFile
            ? Self.escaped(EnvoySlot.statisticsName(slot.name)) : "\(Self.escaped(slot.name))\\.[0-9]+"
        let places = "extension_config_discovery\\.[a-z]+_filter\\.\(name)\\."
        return "^(\(places)|wasm\\.|wasmcustom\\.plugin_build\\.)"
    }

    static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            let isPlain = scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_"
            return isPlain ? "\(scalar)" : "\\\(scalar)"
        }.joined()
    }

    func readings() async throws -> EnvoyReadings { try await admin.readings(matching: pattern) }

    /// Its statistics now.
    func moment() async throws -> Moment {
        let time = ContinuousClock.now
        let info = try await admin.serverInfo()
        return Moment(readings: try await readings(), uptime: info.uptime, time: time)
    }

    /// Waits until Envoy has taken or refused what was put into a place.
    ///
    /// Only the change of its counters counts: what it has been given before it takes for the same, also if it refused it.
    /// - Parameters:
    ///   - place: the place.
    ///   - version: the name of what it was given, and of nothing that it had since `before`, unless it comes back.
    ///   - before: its statistics before the write.
    ///   - deadline: when to give up.
    /// - Returns: what came of it.
    /// - Throws: `CancellationError`.
    func verdict(
        on place: EnvoySlot, version: String, since before: Moment, until deadline: ContinuousClock.Instant
    ) async throws -> Verdict {
        let old = PlaceCounters(before.readings, place)
        var wasRestarted = false
        var isGap = false
        var silence: EnvoyError?
        var pause = Duration.milliseconds(2)
        while true {
            do {
                let now = PlaceCounters(try await readings(), place)
                if now.isBelow(old) { wasRestarted = true }
                if isGap || (now.version == version && now.successes == old.successes && !wasRestarted) {
                    wasRestarted = try await hasRestarted(since: before) || wasRestarted
                    isGap = false
                }
                silence = nil
                let base = wasRestarted ? PlaceCounters.zero : old
                if now.version == version, now.successes > base.successes {
                    return .accepted(wasRestarted: wasRestarted)
                }
                if now.failures > base.failures { return .rejected(wasRestarted: wasRestarted) }
            } catch let error as EnvoyError {
                // It may be on its way down and up again: the deadline decides.
                silence = error
                isGap = true
                if error.refusesConnections { wasRestarted = true }
            }
            guard ContinuousClock.now < deadline else { break }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
        if let silence { return .unseen(because: "\(silence)") }
        return .unseen(because: "its statistics do not show that it has seen the change")
    }

    /// Whether it is younger than a moment; it says its age in whole seconds.
    private func hasRestarted(since before: Moment) async throws -> Bool {
        guard let uptime = try await admin.serverInfo().uptime, let old = before.uptime else { return false }
        let elapsed = ContinuousClock.now - before.time
        return uptime < old || .seconds(uptime + 1) < elapsed
    }
}

/// What Envoy counts for one place (`source/extensions` documents them as `extension_config_discovery` statistics).
struct PlaceCounters: Sendable {
    var successes: UInt64 = 0
    var failures: UInt64 = 0
    var version: String?

    static let zero = PlaceCounters()

    private init() {}

    init(_ readings: EnvoyReadings, _ place: EnvoySlot) {
        func value(_ name: String) -> UInt64 { readings.numbers[place.statisticsPrefix + name] ?? 0 }
        successes = value("update_success")
        failures = value("update_rejected") + value("update_failure") + value("config_fail")
        version = readings.texts["\(place.statisticsPrefix)version_text"]
    }

    /// Whether it counts less, as an Envoy does that was started again.
    func isBelow(_ old: PlaceCounters) -> Bool { successes < old.successes || failures < old.failures }
}
