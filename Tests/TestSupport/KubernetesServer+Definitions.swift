// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

extension KubernetesServer {
    /// Makes kinds known, and waits until the server describes them.
    ///
    /// kubectl checks what it sends against that description, but only once it is there: without waiting, what a test sends
    /// would be refused at one time and not at another.
    /// - Parameter definitions: `CustomResourceDefinition`s, as YAML.
    /// - Throws: `ProcessFailure`.
    package func define(_ definitions: String) async throws {
        try await kubectl(["apply", "--server-side", "-f", "-"], input: definitions)
        try await waitForDefinitions()
    }

    /// Makes kinds known that a project publishes.
    ///
    /// This server is older than some of the keywords in their schemas, which it drops: rules in CEL hold nothing here.
    package func install(definitions file: FilePath) async throws {
        try await kubectl(["create", "--validate=false", "-f", file.string])
        try await waitForDefinitions()
    }

    /// Waits until all kinds that are defined are served and described.
    private func waitForDefinitions() async throws {
        try await kubectl([
            "wait", "--for=condition=Established", "--timeout=60s", "--all", "customresourcedefinitions",
        ])
        // As its description names each of them.
        let kinds = try await kubectl([
            "get", "customresourcedefinitions", "-o",
            #"jsonpath={range .items[*]}"group":"{.spec.group}","kind":"{.spec.names.kind}"{"\n"}{end}"#,
        ]).split(separator: "\n")
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let description = try await kubectl(["get", "--raw", "/openapi/v2"])
            let missing = kinds.filter { !description.contains($0) }
            if missing.isEmpty { return }
            guard ContinuousClock.now < deadline else {
                throw ProcessFailure(
                    description: "kube-apiserver does not describe \(missing.joined(separator: "; "))")
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}
