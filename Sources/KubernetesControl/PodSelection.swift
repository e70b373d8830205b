// SPDX-License-Identifier: Apache-2.0

/// The pods that a deployment selects.
package struct PodSelection: Hashable, Sendable {
    /// Nil for all namespaces.
    package var namespace: String?
    /// Empty for all pods.
    package var labels: [String: String]

    package init(namespace: String?, labels: [String: String] = [:]) {
        self.namespace = namespace
        self.labels = labels
    }
}

extension Kubectl {
    private static let columns = [
        "N:.metadata.namespace", "P:.metadata.name", "S:.status.phase", "C:.spec.containers[*].name",
        "I:.spec.initContainers[*].name", "L:.metadata.labels",
    ].joined(separator: ",")

    /// Lists pods, a line each: of ten thousand whole pods there would be a hundred megabytes.
    /// - Throws: `KubernetesError`.
    package func pods(_ selection: PodSelection) async throws -> [Pod] {
        var arguments = [
            "get", "pods", "--no-headers", "--chunk-size=500", "-o", "custom-columns=\(Self.columns)",
        ]
        arguments += selection.namespace.map { ["-n", $0] } ?? ["-A"]
        if !selection.labels.isEmpty {
            let selector = selection.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            arguments += ["-l", selector.joined(separator: ",")]
        }
        let answer = try await run(arguments, to: "list the selected pods")
        return answer.split(separator: UInt8(ascii: "\n")).compactMap { Self.pod($0) }
    }

    /// Reads a line: columns are padded with spaces, and only the last one has any inside, as in `map[app:web rev:a]`.
    private static func pod(_ line: ArraySlice<UInt8>) -> Pod? {
        let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5).map { field in
            field.drop { $0 == UInt8(ascii: " ") }
        }
        guard fields.count == 6 else { return nil }
        func text(_ index: Int) -> String { String(decoding: fields[index], as: UTF8.self) }
        func list(_ index: Int) -> [String] {
            text(index) == "<none>" ? [] : text(index).split(separator: ",").map { String($0) }
        }
        var labels: [String: String] = [:]
        var map = Substring(text(5)).trimmingSuffix { $0 == " " }
        if map.hasPrefix("map["), map.hasSuffix("]") {
            map = map.dropFirst(4).dropLast()
            for pair in map.split(separator: " ") {
                // Neither keys nor values of labels have a colon or a space.
                let parts = pair.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { labels[String(parts[0])] = String(parts[1]) }
            }
        }
        return Pod(
            namespace: text(0), name: text(1), phase: text(2), labels: labels, containers: list(3) + list(4))
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var rest = self
        while let last = rest.last, predicate(last) { rest.removeLast() }
        return rest
    }
}
