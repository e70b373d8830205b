// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import EnvoyControl
import HostProfiles
import Scenarios
import SystemPackage
private import Synchronization
import WasmBinary

/// An Envoy that tests are played in.
struct TestEnvoy {
    let binary: EnvoyBinary
    /// What it says of itself, as in "1.40.0".
    let version: String

    /// Finds those that versions with commas between mean; without any, the Envoy that filters are run in.
    static func find(_ list: String?, in context: CommandContext) async throws -> [TestEnvoy] {
        guard let list else {
            let binary = try context.envoy()
            return [TestEnvoy(binary: binary, version: try await binary.version())]
        }
        var found: [TestEnvoy] = []
        for version in list.split(separator: ",", omittingEmptySubsequences: false) {
            let envoy = try await context.envoy(version: version.filter { $0 != " " })
            if !found.contains(where: { $0.binary == envoy.binary }) {
                found.append(TestEnvoy(binary: envoy.binary, version: envoy.version.description))
            }
        }
        return found
    }

    /// Plays tests; an Envoy that cannot is one that failed a test of its own.
    func play(
        _ files: [ScenarioFile], _ runnable: RunnableFilter, coverage: Bool, failFast: Bool,
        in context: CommandContext, each: @escaping @Sendable (ScenarioResult) -> Void
    ) async throws -> ScenarioReport {
        if let obstacle = obstacle(runnable.module) {
            return unplayed(files, "takes the module", obstacle.problem, obstacle.hint, each)
        }
        let run = ScenarioRun(
            filter: ScenarioFilter(
                name: runnable.name, module: runnable.module, rootID: runnable.rootID,
                isNetworkFilter: runnable.kind == .network),
            envoy: binary, transport: context.makeTransport(), options: Self.options(coverage: coverage))
        do {
            return try await failFast ? playToFirstFailure(run, files, each) : run.run(files, each: each)
        } catch let error as EnvoyError {
            return unplayed(files, "runs here", "\(error)", error.hint, each)
        }
    }

    private static func options(coverage: Bool) -> ScenarioOptions {
        var options = ScenarioOptions()
        options.coverage = coverage
        return options
    }

    /// Ends the run from within: when a test has failed, all that is under way is cancelled.
    private func playToFirstFailure(
        _ run: ScenarioRun, _ files: [ScenarioFile], _ each: @escaping @Sendable (ScenarioResult) -> Void
    ) async throws -> ScenarioReport {
        let start = ContinuousClock.now
        let results = Results()
        let (failures, signal) = AsyncStream<Void>.makeStream()
        do {
            return try await withThrowingTaskGroup(of: ScenarioReport?.self) { group in
                group.addTask {
                    defer { signal.finish() }
                    return try await run.run(files) { result in
                        guard !results.hasFailure else { return }
                        results.add(result)
                        each(result)
                        if results.hasFailure { signal.finish() }
                    }
                }
                group.addTask {
                    for await _ in failures {}
                    return nil
                }
                var report: ScenarioReport?
                while let next = try await group.next() {
                    report = next ?? report
                    if results.hasFailure { group.cancelAll() }
                }
                return report ?? ScenarioReport(envoy: version, results: results.all)
            }
        } catch is CancellationError {
            guard results.hasFailure else { throw CancellationError() }
            return ScenarioReport(envoy: version, results: results.all, duration: .now - start)
        }
    }

    /// Results that are there already.
    private final class Results: Sendable {
        private let list = Mutex<[ScenarioResult]>([])

        var all: [ScenarioResult] { list.withLock { $0 } }
        var hasFailure: Bool { !ScenarioCount(all).isGood }
        func add(_ result: ScenarioResult) { list.withLock { $0.append(result) } }
    }

    /// Why this version does not take the module, as far as is known.
    private func obstacle(_ module: [UInt8]) -> (problem: String, hint: String?)? {
        let subject: CheckSubject
        do {
            subject = CheckSubject(.whole(try WasmModule(module)))
        } catch {
            subject = CheckSubject(.unreadable(error))
        }
        guard let version = HostVersion(version), let catalog = try? HostCatalog.bundled(),
            // Nothing is known of very old ones: then they may show what they do.
            let report = try? catalog.report(
                subject, for: [HostTarget(host: "envoy", versions: .one(version))]),
            let finding = report.entries.map(\.finding).first(where: { $0.severity == .error })
        else { return nil }
        let more = report.count(.error) > 1 ? " (and \(report.count(.error) - 1) more)" : ""
        return (
            "Envoy \(self.version) does not take the module: \(finding.message)\(more)",
            finding.fix ?? "'wasme check --target envoy:\(version.line)' says more"
        )
    }

    private func unplayed(
        _ files: [ScenarioFile], _ what: String, _ problem: String, _ hint: String?,
        _ each: (ScenarioResult) -> Void
    ) -> ScenarioReport {
        var failure = StepFailure(line: files.first?.scenarios.first?.line ?? 1)
        failure.problem = problem
        failure.hint = hint
        let result = ScenarioResult(
            file: files.first?.name ?? "tests.yaml", scenario: "Envoy \(version) \(what)", line: failure.line,
            verdict: .broken(failure), duration: .zero)
        each(result)
        return ScenarioReport(envoy: version, results: [result])
    }
}
