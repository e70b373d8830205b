// SPDX-License-Identifier: Apache-2.0

private import Files
private import SystemPackage

extension FilterProject {
    /// Removes what builds wrote, so that the next one starts from nothing.
    ///
    /// Nothing that git keeps is removed: a folder may have the name of one that builds write, and be another.
    /// - Parameter environment: where git is looked for.
    /// - Returns: what was removed, relative to the project.
    /// - Throws: `ProjectError` that names what git keeps.
    package func clean(environment: [String: String]) async throws -> [String] {
        let written = manifest.build.output.map { [$0] } ?? []
        let language = manifest.build.command.isEmpty ? Language.named(manifest.language) : nil
        let names = (language?.outputs ?? []) + written + [BuildMemory.folderName]
        let git = ToolProcess.find("git", environment: environment, relativeTo: root)
        var removed: [String] = []
        for name in names where !name.contains("*") {
            let path = root.pushing(FilePath(name)).lexicallyNormalized()
            guard Files.kind(path) != nil else { continue }
            if let git, try await isKept(name, git, environment) {
                throw ProjectError(
                    .malformed, "\"\(path)\" is not removed: git keeps files in it",
                    hint: "a build would write there too; give what you keep another name")
            }
            try Files.remove(path)
            removed.append(name)
        }
        return removed
    }

    private func isKept(
        _ name: String, _ git: FilePath, _ environment: [String: String]
    ) async throws -> Bool {
        let answer = try await ToolProcess.capture(
            git, ["-c", "core.fsmonitor=false", "ls-files", "-z", "--", name],
            environment: environment.filter { ["PATH", "HOME"].contains($0.key) }, in: root)
        return answer.succeeded && !answer.stdout.isEmpty
    }
}
