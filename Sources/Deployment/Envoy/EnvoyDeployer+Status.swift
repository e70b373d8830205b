// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Files
import SystemPackage

extension EnvoyDeployer {
    /// What runs, in all slots: an Envoy that does not answer is a part of the answer.
    /// - Throws: `DeploymentError` if one of them is no slot; `SystemError`.
    package func status() async throws -> [EnvoySlotStatus] {
        var all: [EnvoySlotStatus] = []
        for member in fleet.members {
            let slot = try SlotFolder(opening: member.slot)
            let history = try SlotHistory(slot.historyFile)
            let contents = try SlotContents(slot, history, FileTransport(slot), isLenient: true)
            let places = slot.places.indices.map { contents.status(of: $0) }
            let envoys = await withTaskGroup(of: (Int, EnvoyStatus).self) { group in
                for (index, address) in member.admins.enumerated() {
                    group.addTask { (index, await status(of: address, contents)) }
                }
                var envoys: [(Int, EnvoyStatus)] = []
                for await envoy in group { envoys.append(envoy) }
                return envoys.sorted { $0.0 < $1.0 }.map(\.1)
            }
            all.append(
                EnvoySlotStatus(
                    slot: slot, places: places,
                    unfinished: history.unfinished.filter { history.current($0.id) == $0 },
                    envoys: envoys, notes: contents.notes + contents.missing))
        }
        return all
    }

    private func status(of address: HostPort, _ contents: SlotContents) async -> EnvoyStatus {
        let witness = EnvoyWitness(connect(address), contents.slot, concurrency: 0)
        do {
            let info = try await witness.admin.serverInfo()
            let readings = try await witness.readings()
            // An Envoy without any such resource has no such dump.
            let received = (try? await witness.admin.receivedResources()) ?? [:]
            return EnvoyStatus(address, info, readings, received, contents)
        } catch {
            return EnvoyStatus(
                admin: address, version: nil, state: nil, workers: nil, uptime: nil, virtualMachines: nil,
                expectedMachines: nil, places: [], filters: [], trouble: ["it cannot be asked: \(error)"])
        }
    }

    /// In what a deployment would differ from what is there; nothing is changed.
    /// - Throws: `DeploymentError` as `deploy` would before it changes anything; no Envoy is asked.
    package func difference(
        _ deployment: FilterDeployment, module: [UInt8], build: String? = nil
    ) throws -> [EnvoySlotDifference] {
        try Self.check(deployment, module)
        return try fleet.members.map { member in
            let slot = try SlotFolder(opening: member.slot)
            let change = EnvoyChange(
                action: .deploy, source: nil, deployment: deployment, module: module, build: build,
                isInline: options.isInline)
            let round = try EnvoyRound(
                deployment.id, change, slot, try SlotHistory(slot.historyFile), self)
            return try round.difference()
        }
    }

    /// In what the end of a deployment would differ from what is there.
    package func differenceWithout(_ id: String) throws -> [EnvoySlotDifference] {
        try fleet.members.map { member in
            let slot = try SlotFolder(opening: member.slot)
            let history = try SlotHistory(slot.historyFile)
            guard history.current(id) != nil else { throw Self.unknown(id, history) }
            let change = EnvoyChange(
                action: .undeploy, source: nil, deployment: nil, module: nil, build: nil, isInline: false)
            return try EnvoyRound(id, change, slot, history, self).difference()
        }
    }
}

extension EnvoyRound {
    /// What the writes would change.
    func difference() throws -> EnvoySlotDifference {
        var changes: [EnvoySlotDifference.Change] = []
        if let hex = revision.module, let module = change.module {
            let file = transport.file(ofModule: hex)
            if Files.kind(file) == nil {
                changes.append(
                    .init(file: file, place: nil, old: nil, new: nil, moduleSize: module.count))
            }
        }
        var now = before
        for write in writes {
            let place = slot.places[write.place]
            // Its name and what only makes Envoy look again are no difference to people.
            var standing = write.id.flatMap { self.standing[$0] }
            standing?.retry = 0
            let version = now[write.place].flatMap { try? SlotResource(parsing: $0, of: place.file).version }
            let plugin = try standing.map { try self.plugin($0, offering: change.module) }
            let new = place.resource(plugin, version: version ?? "new")
            let old = now[write.place].map { String(decoding: $0, as: UTF8.self) }
            now[write.place] = Array(new.utf8)
            let isSame = try old.map {
                try SlotResource.configuration(Array($0.utf8), of: place.file)
                    == SlotResource.configuration(Array(new.utf8), of: place.file)
            }
            if isSame == true { continue }
            changes.append(
                .init(file: place.file, place: write.place + 1, old: old, new: new, moduleSize: nil))
        }
        return EnvoySlotDifference(slot: slot.path, changes: changes)
    }
}

extension SlotContents {
    /// What a place holds, against what was deployed there.
    func status(of index: Int) -> EnvoySlotStatus.Place {
        let place = slot.places[index]
        let resource = resources[index]
        let deployed = expected[index]
        return EnvoySlotStatus.Place(
            number: index + 1, name: place.name, revision: deployed, content: resource?.content,
            version: resource?.version, drift: drift(index, resource, deployed))
    }

    /// What each place is to hold, by the history: a filter that was moved stands where its file is.
    var expected: [SlotRevision?] {
        let deployed = Dictionary(uniqueKeysWithValues: history.deployed.map { ($0.id, $0) })
        var expected: [SlotRevision?] = resources.map { resource in
            if case .plugin(let id)? = resource?.content { deployed[id] } else { nil }
        }
        for revision in history.deployed where !expected.contains(where: { $0?.id == revision.id }) {
            if let place = revision.place, expected.indices.contains(place - 1), expected[place - 1] == nil {
                expected[place - 1] = revision
            }
        }
        return expected
    }

    private func drift(_ index: Int, _ resource: SlotResource?, _ deployed: SlotRevision?) -> String? {
        let place = slot.places[index]
        guard let bytes = bytes[index] else {
            switch Files.kind(place.file) {
            case nil: return "the file is missing"
            case .directory?: return "there is a folder where the file should be"
            default: return "the file cannot be read"
            }
        }
        guard let resource else { return "the file cannot be read" }
        guard resource.name == place.name else {
            return "the file names the resource \"\(resource.name ?? "")\", which nothing takes"
        }
        guard let deployed else {
            switch resource.content {
            case .nothing: return nil
            case .plugin(let name): return "it holds \"\(name)\", which wasme has not put there"
            case .other(let type): return "it holds a \"\(type)\", which wasme has not put there"
            }
        }
        guard case .plugin = resource.content else {
            return "it is empty, and \"\(deployed.id)\" was deployed"
        }
        let transport = FileTransport(slot)
        guard let hex = deployed.module, let deployment = deployed.deployment else { return nil }
        if Files.kind(transport.file(ofModule: hex)) == nil {
            let file = transport.file(ofModule: hex)
            return "the module's file \"\(file)\" is missing: an envoy that starts cannot load it"
        }
        if deployed.isInline {
            guard resource.inlineModule == hex else { return "the module in the file is another one" }
            return nil
        }
        var plugin = EnvoyPlugin(
            deployment, name: deployed.id, code: .file(slot.seen(transport.file(ofModule: hex))))
        plugin.retry = deployed.retry
        let wanted = BootstrapTree(plugin.typedConfig).withoutRetry
        guard let there = try? SlotResource.configuration(bytes, of: place.file), there == wanted else {
            return "the file was changed since \"\(deployed.id)\" was deployed"
        }
        return nil
    }

    /// What is deployed, and stands nowhere.
    var missing: [String] {
        history.deployed.filter { revision in !expected.contains { $0?.id == revision.id } }.map {
            "\"\($0.id)\" was deployed, and stands in no place"
        }
    }
}

extension EnvoyStatus {
    fileprivate init(
        _ address: HostPort, _ info: EnvoyServerInfo, _ readings: EnvoyReadings,
        _ received: [String: ReceivedResource], _ contents: SlotContents
    ) {
        let slot = contents.slot
        var trouble: [String] = []
        if info.state != "LIVE" { trouble.append("its state is \(info.state)") }
        places = slot.places.indices.map { index in
            let place = slot.places[index]
            let counters = PlaceCounters(readings, place)
            let isKnown = readings.numbers["\(place.statisticsPrefix)update_attempt"] != nil
            let held = contents.resources[index]?.version
            let isCurrent = isKnown && counters.version == held
            if !isKnown {
                trouble.append("it was not started with the place \"\(place.name)\"")
            } else if !isCurrent {
                trouble.append(
                    "\"\(place.name)\" has \"\(counters.version ?? "")\", and its file \"\(held ?? "")\": it was refused, or not seen"
                )
            }
            return Place(
                number: index + 1, version: counters.version, isCurrent: isCurrent,
                received: received[place.name]?.version, refusals: counters.failures)
        }
        let deployed = contents.expected.compactMap { $0 }
        let machines = Set(deployed.compactMap(MachineKey.init)).count * (info.concurrency + 2)
        let active = Int(readings.numbers[EnvoyWitness.activeCounter] ?? 0)
        if active < machines {
            trouble.append("\(active) of \(machines) virtual machines are active")
        }
        filters = deployed.map { revision in
            let filter = Filter(revision, readings)
            if let reloads = filter.reloads, reloads.failures > 0 {
                trouble.append("\"\(revision.id)\" could not be started again \(reloads.failures) times")
            }
            return filter
        }
        admin = address
        version = info.version
        state = info.state
        workers = info.concurrency
        uptime = info.uptime
        virtualMachines = active
        expectedMachines = machines
        self.trouble = trouble
    }
}

extension EnvoyStatus.Filter {
    fileprivate init(_ revision: SlotRevision, _ readings: EnvoyReadings) {
        let policy = revision.deployment?.failurePolicy ?? .reload
        func value(_ name: String) -> UInt64 {
            readings.numbers["wasm.\(revision.id).vm_reload_\(name)"] ?? 0
        }
        id = revision.id
        reloads =
            policy == .reload
            ? .init(successes: value("success"), failures: value("failure"), waits: value("backoff")) : nil
        bypass =
            policy == .open
            ? "if it has trapped, that worker serves without it; envoy counts no such thing, so only a probe can tell"
            : nil
        marker = revision.build.flatMap { readings.marker(of: revision.id, build: $0) }
    }
}
