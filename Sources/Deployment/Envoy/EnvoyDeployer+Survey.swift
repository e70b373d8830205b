// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import SystemPackage

extension EnvoyDeployer {
    /// Asks all Envoys at once who they are.
    func survey(_ slots: [SlotFolder]) async throws -> [EnvoySurvey] {
        try await withThrowingTaskGroup(of: (Int, EnvoySurvey).self) { group in
            var count = 0
            for (member, slot) in zip(fleet.members, slots) {
                for admin in member.admins {
                    let number = count
                    count += 1
                    group.addTask { (number, try await survey(admin, slot)) }
                }
            }
            var surveys: [(Int, EnvoySurvey)] = []
            for try await survey in group { surveys.append(survey) }
            return surveys.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func survey(_ address: HostPort, _ slot: SlotFolder) async throws -> EnvoySurvey {
        var admin = connect(address)
        admin.patience = 5
        let info: EnvoyServerInfo
        let readings: EnvoyReadings
        do {
            info = try await admin.serverInfo()
            readings = try await admin.readings(matching: "^extension_config_discovery\\.")
        } catch let error as EnvoyError {
            throw DeploymentError(
                .unreachable, "the envoy at \(address) cannot be asked, so nothing was changed", cause: error,
                hint:
                    "check that it runs, and compare the address with 'admin' in its bootstrap; without --admin the change is written and not proved"
            )
        }
        guard info.state == "LIVE" else {
            throw DeploymentError(
                .unreachable, "the envoy at \(address) is not live but \(info.state), so nothing was changed",
                hint: "wait until it serves, or leave it out")
        }
        guard !info.lacksWasm else {
            throw DeploymentError(
                .rejected,
                "the envoy at \(address), \(info.version), was built without V8 and runs no Wasm filter; nothing was changed",
                hint: "run another build: 'wasme envoy install' fetches the newest")
        }
        for place in slot.places {
            guard readings.numbers["\(place.statisticsPrefix)update_attempt"] != nil else {
                throw DeploymentError(
                    .noPlace,
                    "the envoy at \(address) has no place \"\(place.name)\": it was not started with the slot \"\(slot.path)\"; nothing was changed",
                    hint:
                        "put the slot into its bootstrap, and start it once again: wasme deploy envoy --prepare BOOTSTRAP --slot \(slot.path)"
                )
            }
        }
        return EnvoySurvey(
            slot: slot.path, admin: address, version: info.version, concurrency: info.concurrency)
    }

    /// Refuses what Envoy alone has no words for.
    static func check(_ deployment: FilterDeployment, _ module: [UInt8]) throws {
        let id = deployment.id
        let isValid = id.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains(byte)
        }
        guard isValid, (1...63).contains(id.utf8.count) else {
            throw DeploymentError(
                .invalid, "\"\(id)\" cannot be the id of a deployment",
                hint: "use letters, digits, '.', '_' and '-', at most 63 of them")
        }
        if let phase = deployment.phase {
            throw DeploymentError(
                .invalid,
                "an envoy that stands alone has no phase \"\(phase.rawValue)\" (deployment \"\(id)\")",
                hint: "where its slot stands among the other filters is said once, with --prepare --before")
        }
        guard deployment.match.isEmpty else {
            throw DeploymentError(
                .invalid,
                "an envoy that stands alone cannot choose traffic by mode and port (deployment \"\(id)\")",
                hint:
                    "the listeners and routes of a slot are chosen once, with --prepare --listener or --route"
            )
        }
        try deployment.checkCapabilities(of: module)
    }

    static func unknown(_ id: String, _ history: SlotHistory) -> DeploymentError {
        let known = history.deployed.map(\.id)
        let folder = history.file.removingLastComponent()
        return DeploymentError(
            .unknown, "there is no deployment \"\(id)\" in \"\(folder)\"",
            hint: known.isEmpty
                ? "nothing is deployed there" : "deployed are: \(known.joined(separator: ", "))")
    }
}

extension EnvoySlot {
    /// What the names of its statistics begin with.
    var statisticsPrefix: String {
        "extension_config_discovery.\(kind.rawValue)_filter.\(Self.statisticsName(name))."
    }

    /// A name as it is in statistics (`Utility::sanitizeStatsName` in Envoy's `source/common/stats/utility.cc`).
    static func statisticsName(_ name: String) -> String {
        ["://", ":/", ":", "\0"].reduce(name) { $0.replacing($1, with: "_") }
    }
}
