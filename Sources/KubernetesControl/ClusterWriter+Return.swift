// SPDX-License-Identifier: Apache-2.0

extension ClusterWriter {
    /// Takes changes back, the last one first.
    /// - Returns: those that could not be taken back, with why.
    package func takeBack(
        _ changes: [ObjectChange], _ options: Options
    ) async -> [(change: ObjectChange, error: any Error)] {
        var left: [(ObjectChange, any Error)] = []
        for change in changes.reversed() {
            guard let cluster = clusters.first(where: { $0.context == change.context }) else { continue }
            do {
                switch change.kind {
                case .unchanged: break
                case .created: try await delete(change.object, in: cluster)
                case .configured, .deleted:
                    guard let before = change.before?.applied(by: Self.manager) else {
                        throw KubernetesError(
                            .noHistory, "nothing of \(change.object.title) was applied by wasme before")
                    }
                    _ = try await write(
                        Item(before, isShared: true), in: cluster, options, isDryRun: false, force: true)
                }
            } catch {
                left.append((change, error))
            }
        }
        return left.reversed()
    }

    /// An error that says what was changed before, once that was taken back or is to stay.
    func explain(
        _ error: any Error, after changes: [ObjectChange], _ options: Options
    ) async -> any Error {
        let changed = changes.filter { $0.kind != .unchanged }
        guard !changed.isEmpty else { return error }
        guard options.isAtomic else { return failure(error, left: changed, options) }
        // Even who is interrupted gets back what was there.
        let left = await Task.detached { await takeBack(changed, options) }.value
        guard !left.isEmpty else {
            guard let error = error as? KubernetesError else { return error }
            return KubernetesError(
                error.code, "\(error.message); what was changed before is as it was", cause: error.cause,
                hint: error.hint)
        }
        return failure(error, left: left.map(\.change), options)
    }

    private func failure(_ error: any Error, left: [ObjectChange], _ options: Options) -> any Error {
        guard let error = error as? KubernetesError else { return error }
        let names = left.map { "\($0.object.title)\($0.context.map { " of context \"\($0)\"" } ?? "")" }
        var contexts: [String] = []
        for case let context? in left.map(\.context) where !contexts.contains(context) {
            contexts.append(context)
        }
        let place = contexts.isEmpty ? "" : " --context \(contexts.joined(separator: ","))"
        var failure = KubernetesError(
            error.code, "\(error.message); already changed: \(names.joined(separator: ", "))",
            cause: error.cause,
            hint: options.takeBack.map { "take back what was changed with '\($0)\(place)'" } ?? error.hint)
        failure.changes = left
        return failure
    }
}
