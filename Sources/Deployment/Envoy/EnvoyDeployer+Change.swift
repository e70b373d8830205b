// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Foundation
import SystemPackage

extension EnvoyDeployer {
    /// Makes a change in every slot of the fleet, or in none if that is asked for.
    /// - Parameters:
    ///   - id: the deployment.
    ///   - action: what is done to it.
    ///   - make: what is to become of it in a slot with this history.
    /// - Returns: what came of it in every slot.
    /// - Throws: `DeploymentError`.
    func change(
        _ id: String, _ action: SlotRevision.Action, _ make: @Sendable (SlotHistory) throws -> EnvoyChange
    ) async throws -> EnvoyDeploymentOutcome {
        let slots = try fleet.members.map { try SlotFolder(opening: $0.slot) }
        // Also by two names of one folder: it would wait for itself.
        guard Set(slots.map { URL(filePath: $0.path.string).resolvingSymlinksInPath() }).count == slots.count
        else {
            throw DeploymentError(
                .invalid, "a slot is named twice", hint: "name each slot once, with all its admin addresses")
        }
        let locks = try await lock(slots, holder: "\(options.who): \(action.rawValue) \(id)")
        defer { withExtendedLifetime(locks) {} }
        // All that can be found wrong is found before anything is changed anywhere.
        var rounds: [EnvoyRound] = []
        for slot in slots {
            let history = try SlotHistory(slot.historyFile)
            for revision in history.unfinished where history.current(revision.id) == revision {
                progress(.unfinished(slot: slot.path, revision))
            }
            rounds.append(try EnvoyRound(id, try make(history), slot, history, self))
        }
        async let trial = trial(rounds)
        let surveys = try await survey(slots)
        for survey in surveys { progress(.surveyed(survey)) }
        try await judge(trial, surveys, id: id)
        for index in rounds.indices {
            rounds[index].witnesses = surveys.filter { $0.slot == rounds[index].slot.path }.map { survey in
                EnvoyWitness(connect(survey.admin), rounds[index].slot, concurrency: survey.concurrency)
            }
        }
        return try await carryOut(rounds)
    }

    /// Takes the locks of all slots, in an order that is the same for everybody.
    private func lock(_ slots: [SlotFolder], holder: String) async throws -> [SlotLock] {
        var locks: [SlotLock] = []
        for slot in slots.sorted(by: { $0.path.string < $1.path.string }) {
            try slot.makeStateFolder()
            locks.append(
                try await SlotLock.wait(slot.stateFolder, holder: holder, within: options.patience) {
                    progress(.waiting(slot: slot.path, holder: $0))
                })
        }
        return locks
    }

    private func carryOut(_ rounds: [EnvoyRound]) async throws -> EnvoyDeploymentOutcome {
        var results: [Result<EnvoyDeploymentOutcome.Member, any Error>] = []
        switch fleet.order {
        case .sequential:
            for round in rounds {
                results.append(await Self.result { try await round.run() })
                if case .failure? = results.last { break }
            }
        case .parallel:
            results = await withTaskGroup(of: (Int, Result<EnvoyDeploymentOutcome.Member, any Error>).self) {
                group in
                for (index, round) in rounds.enumerated() {
                    group.addTask { (index, await Self.result { try await round.run() }) }
                }
                var all: [(Int, Result<EnvoyDeploymentOutcome.Member, any Error>)] = []
                for await result in group { all.append(result) }
                return all.sorted { $0.0 < $1.0 }.map(\.1)
            }
        }
        let failures = results.compactMap { result in
            if case .failure(let error) = result { error } else { nil }
        }
        guard let first = failures.first else {
            return EnvoyDeploymentOutcome(members: try results.map { try $0.get() })
        }
        guard rounds.count > 1 else { throw first }
        throw await aftermath(rounds, results, first)
    }

    /// What is so after one of several slots has failed; with `isAtomic`, after the others went back.
    private func aftermath(
        _ rounds: [EnvoyRound], _ results: [Result<EnvoyDeploymentOutcome.Member, any Error>],
        _ first: any Error
    ) async -> any Error {
        if first is CancellationError, !fleet.isAtomic { return first }
        var sentences: [String] = []
        var changed: [String] = []
        for (round, result) in zip(rounds, results) {
            guard case .success(let member) = result else { continue }
            guard fleet.isAtomic else {
                changed.append("\"\(member.slot)\"")
                continue
            }
            let name = round.slot.path
            // Also if we are cancelled meanwhile: half of a fleet is what nobody asked for.
            let returned = await Task { await round.takeBack(because: "another slot failed") }.value
            if let trouble = returned {
                sentences.append("\"\(name)\" could not be brought back: \(trouble)")
            }
        }
        if !changed.isEmpty { sentences.append("\(changed.joined(separator: " and ")) keep the change") }
        let untouched = rounds.dropFirst(results.count).map { "\"\($0.slot.path)\"" }
        if !untouched.isEmpty {
            sentences.append("\(untouched.joined(separator: " and ")) were not touched")
        }
        if sentences.isEmpty { sentences.append("all slots have what they had before") }
        let error = first as? DeploymentError
        return DeploymentError(
            error?.code ?? .notProved,
            "the change failed in one of \(rounds.count) slots; \(sentences.joined(separator: "; "))",
            cause: first, hint: error?.hint)
    }

    private static func result<Value>(
        _ body: () async throws -> Value
    ) async -> Result<Value, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
