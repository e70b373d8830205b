// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Files
import Foundation
import OCI
import SystemPackage

/// One change in one slot: what is written, and what is there to go back to.
struct EnvoyRound: Sendable {
    let id: String
    let slot: SlotFolder
    let change: EnvoyChange
    let revision: SlotRevision
    /// What stands in the slot afterwards, by id.
    let standing: [String: SlotRevision]
    let writes: [SlotChain.Write]
    let deployer: EnvoyDeployer
    let transport: FileTransport
    /// What each place holds before.
    let before: [[UInt8]?]
    /// The Envoys that read the slot.
    var witnesses: [EnvoyWitness] = []
    private let notes: [String]

    /// Plans it; nothing is changed.
    /// - Throws: `DeploymentError` if it cannot be done.
    init(
        _ id: String, _ change: EnvoyChange, _ slot: SlotFolder, _ history: SlotHistory,
        _ deployer: EnvoyDeployer
    ) throws {
        self.id = id
        self.slot = slot
        self.change = change
        self.deployer = deployer
        transport = FileTransport(slot, isInline: change.isInline)
        if let kind = change.deployment?.kind, kind != slot.kind {
            throw DeploymentError(
                .invalid,
                "\"\(id)\" is a filter of kind \(kind.rawValue), and the slot \"\(slot.path)\" is for \(slot.kind.rawValue)",
                hint: "deploy it to a slot of its kind")
        }
        let contents = try SlotContents(slot, history, transport)
        before = contents.bytes
        var revision = SlotRevision(
            id: id, number: history.nextNumber(id), time: deployer.now().rfc3339, who: deployer.options.who,
            action: change.action)
        revision.source = change.source
        revision.deployment = change.deployment
        revision.module = change.module.map { Digest(of: $0).hex }
        revision.build = change.build
        revision.isInline = change.isInline

        var wish = history.deployed.filter { $0.id != id || change.deployment != nil }
        if change.deployment != nil {
            if let index = wish.firstIndex(where: { $0.id == id }) {
                wish[index] = revision
            } else {
                wish.append(revision)
            }
        }
        let order = SlotHistory.ordered(wish).map(\.id)
        let chain = SlotChain(
            try contents.occupants(replacingForeign: deployer.options.replacesForeign, for: id))
        writes = try chain.writes(toward: order, changed: [id])
        if let place = writes.last(where: { $0.id == id })?.place {
            revision.place = place + 1
            // Envoy takes no notice of what it has been given before.
            revision.retry = contents.retry(beside: revision, in: place)
        }
        self.revision = revision
        var standing = Dictionary(uniqueKeysWithValues: wish.map { ($0.id, $0) })
        if change.deployment != nil { standing[id] = revision }
        self.standing = standing
        notes = contents.notes
    }

    // MARK: - Carrying it out

    /// Writes, proves, and takes back what is not proved.
    func run() async throws -> EnvoyDeploymentOutcome.Member {
        let before = try await witnessed { try await $0.moment() }
        if let module = change.module { _ = try transport.offer(module) }
        var history = try SlotHistory(slot.historyFile)
        try history.begin(revision)
        do {
            let start = ContinuousClock.now
            let restarted = try await write(writes.map { ($0.place, $0.id) }, since: before)
            let proofs = try await prove(since: before, restarted, start)
            var ended = revision
            ended.outcome =
                witnesses.isEmpty
                ? .unproved(because: "no admin address was given, so no envoy was asked") : .proved
            try history.end(revision, ended.outcome)
            clear(history)
            return EnvoyDeploymentOutcome.Member(
                slot: slot.path, revision: ended, writtenPlaces: writes.map { $0.place + 1 }, proofs: proofs,
                notes: notes + self.notes(on: ended))
        } catch {
            // Not in this task: it may be cancelled, and that is no reason to leave half of a change.
            let trouble = await Task { await takeBack(because: Self.reason(error)) }.value
            throw await failure(error, trouble)
        }
    }

    /// Puts things into places, one after the other: the next only when every Envoy has taken the one before.
    /// - Returns: which witnesses were started again meanwhile.
    private func write(
        _ writes: [(place: Int, id: String?)], since first: [EnvoyWitness.Moment]
    ) async throws -> [Bool] {
        var restarted = witnesses.map { _ in false }
        for (number, write) in writes.enumerated() {
            let moments = number == 0 ? first : try await witnessed { try await $0.moment() }
            let place = slot.places[write.place]
            let version = self.version(of: write.id)
            let wanted = write.id.flatMap { standing[$0] }
            let plugin = try wanted.map { try self.plugin($0) }
            try transport.deliver(Array(place.resource(plugin, version: version).utf8), to: place)
            deployer.progress(.written(slot: slot.path, place: write.place + 1, id: write.id))
            let verdicts = try await accepted(place, write.place + 1, version, since: moments)
            for index in verdicts.indices where verdicts[index] { restarted[index] = true }
        }
        return restarted
    }

    /// Waits until every Envoy has taken a write.
    private func accepted(
        _ place: EnvoySlot, _ number: Int, _ version: String, since moments: [EnvoyWitness.Moment]
    ) async throws -> [Bool] {
        let deadline = ContinuousClock.now + deployer.options.timeout
        return try await each(witnesses.indices) { index in
            let witness = witnesses[index]
            switch try await witness.verdict(
                on: place, version: version, since: moments[index], until: deadline)
            {
            case .accepted(let wasRestarted):
                deployer.progress(.accepted(witness.admin.address, place: number))
                return wasRestarted
            case .rejected: throw EnvoyRefusal(admin: witness.admin.address, kind: .rejected)
            case .unseen(let reason):
                throw EnvoyRefusal(admin: witness.admin.address, kind: .unseen(reason))
            }
        }
    }

    /// What Envoy is told of a revision.
    /// - Parameters:
    ///   - revision: what stands, or is to.
    ///   - module: the module of the change, which may not be in the slot yet.
    /// - Returns: the plugin.
    /// - Throws: `DeploymentError` if what it needs is not there.
    func plugin(_ revision: SlotRevision, offering module: [UInt8]? = nil) throws -> EnvoyPlugin {
        guard let deployment = revision.deployment, let hex = revision.module else {
            throw DeploymentError(
                .damaged, "the history of \"\(slot.path)\" lacks what \"\(revision.id)\" is")
        }
        let code: EnvoyPlugin.Code =
            if revision.isInline {
                if let module, revision == self.revision.sameBut(retry: revision.retry) {
                    .inline(module)
                } else {
                    .inline(try EnvoyDeployer.module(hex, of: revision, in: slot.stateFolder))
                }
            } else {
                .file(slot.seen(transport.file(ofModule: hex)))
            }
        var plugin = EnvoyPlugin(deployment, name: revision.id, code: code)
        plugin.retry = revision.retry
        return plugin
    }

    /// A name for what is written that nothing else ever has.
    private func version(of id: String?) -> String {
        guard let id, let revision = standing[id] else { return "empty-\(Files.randomName())" }
        return "\(id)-\(revision.number)-\(revision.module?.prefix(12) ?? "")-\(Files.randomName())"
    }

    /// Removes modules that nothing needs any longer; they are in nobody's way if that fails.
    private func clear(_ history: SlotHistory) {
        var kept = history.keptModules()
        for place in slot.places {
            guard let bytes = try? transport.resource(at: place),
                let resource = try? SlotResource(parsing: bytes, of: place.file)
            else { return }
            if let name = resource.modulePath?.stem { kept.insert(name) }
        }
        let there = (try? Files.contents(slot.modulesFolder)) ?? []
        let gone = there.filter { $0.hasSuffix(".wasm") && !kept.contains(String($0.dropLast(5))) }
        try? transport.withdraw(gone.map { .file(slot.modulesFolder.appending($0)) })
    }

    // MARK: - All Envoys at once

    private func witnessed<Value: Sendable>(
        _ body: @escaping @Sendable (EnvoyWitness) async throws -> Value
    ) async throws -> [Value] {
        try await each(witnesses.indices) { index in
            do {
                return try await body(witnesses[index])
            } catch let error as EnvoyError {
                throw EnvoyRefusal(admin: witnesses[index].admin.address, kind: .unseen("\(error)"))
            }
        }
    }

    func each<Value: Sendable>(
        _ indices: Range<Int>, _ body: @escaping @Sendable (Int) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            for index in indices { group.addTask { (index, try await body(index)) } }
            var values: [(Int, Value)] = []
            for try await value in group { values.append(value) }
            return values.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}

extension SlotRevision {
    fileprivate func sameBut(retry: Int) -> SlotRevision {
        var revision = self
        revision.retry = retry
        return revision
    }
}

/// Why one Envoy is why a change is taken back.
struct EnvoyRefusal: Error {
    enum Kind {
        case rejected
        case unseen(String)
        case notLoaded(String)
        case probe(EnvoyProbe, String)
        case trouble(String)
    }

    let admin: HostPort
    let kind: Kind

    var description: String {
        switch kind {
        case .rejected: "the envoy at \(admin) refuses it"
        case .unseen(let reason): "the envoy at \(admin) did not take it in time: \(reason)"
        case .notLoaded(let reason): "the envoy at \(admin) did not load it in time: \(reason)"
        case .probe(let probe, let complaint):
            "the envoy at \(admin) fails the probe \"\(probe)\": \(complaint)"
        case .trouble(let sign): "the envoy at \(admin): \(sign)"
        }
    }
}

extension Date {
    /// As RFC 3339 has it, in seconds of UTC.
    var rfc3339: String { formatted(.iso8601) }
}
