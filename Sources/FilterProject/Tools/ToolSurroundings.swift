// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// Where tools are looked for and asked.
package struct ToolSurroundings: Sendable {
    /// The variables that say which tools to use: the whole environment.
    package var variables: [String: String]
    /// The variables that tools are run with; `PATH` in it is where they are looked for.
    package var environment: [String: String]
    /// What relative paths start from, and where tools are run.
    package var folder: FilePath
    /// Whose packages the advice names.
    package var system: HostSystem

    package init(
        environment: [String: String], variables: [String: String]? = nil, folder: FilePath,
        system: HostSystem = .current
    ) {
        self.environment = environment
        self.variables = variables ?? environment
        self.folder = folder
        self.system = system
    }

    /// Finds a program: a name in PATH, or a path that starts from the folder.
    package func program(_ name: String) -> FilePath? {
        ToolProcess.find(name, environment: environment, relativeTo: folder)
    }

    /// Asks a program something that has a short answer.
    /// - Returns: what it printed; nil if it failed.
    package func answer(_ program: FilePath, _ arguments: [String]) async throws -> String? {
        let answer = try await ToolProcess.capture(
            program, arguments, environment: environment, in: folder)
        return answer.succeeded ? answer.stdout : nil
    }
}
