// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// An Envoy executable on this machine.
package struct EnvoyBinary: Hashable, Sendable {
    /// The executable.
    package let path: FilePath

    /// Takes an executable that is known to be an Envoy.
    package init(_ path: FilePath) { self.path = path }

    /// Finds Envoy: `WASME_ENVOY`, then `PATH`, then the newest version in the given folders.
    /// - Parameters:
    ///   - environment: the process's environment.
    ///   - searchFolders: folders with one folder per version, as in `<folder>/1.40.0/envoy`; see `searchFolders`.
    /// - Returns: the first that can be executed.
    /// - Throws: `EnvoyError`. A `WASME_ENVOY` that leads nowhere is an error: another one would surprise.
    package static func find(
        environment: [String: String], searchFolders: [FilePath] = []
    ) throws -> EnvoyBinary {
        if let wanted = environment["WASME_ENVOY"], !wanted.isEmpty {
            guard isExecutable(FilePath(wanted)) else {
                throw EnvoyError(
                    .notFound, "WASME_ENVOY names \"\(wanted)\", which is not an executable file",
                    hint: "set WASME_ENVOY to the path of an Envoy binary, or unset it to search PATH")
            }
            return EnvoyBinary(FilePath(wanted))
        }
        let pathFolders = (environment["PATH"] ?? "").split(separator: ":").map { FilePath(String($0)) }
        for folder in pathFolders where isExecutable(folder.appending("envoy")) {
            return EnvoyBinary(folder.appending("envoy"))
        }
        for folder in searchFolders {
            if let newest = InstalledEnvoy.all(in: folder).first { return newest.binary }
        }
        let looked = ["PATH"] + searchFolders.map { "\"\($0)\"" }
        throw EnvoyError(
            .notFound, "there is no Envoy on this machine: looked in \(looked.joined(separator: ", "))",
            hint: "run 'wasme envoy install', or set WASME_ENVOY to an Envoy binary")
    }

    /// Where Envoys are installed for us: the `.tools/envoy` of the project at or above a folder, and the user's own.
    package static func searchFolders(from folder: FilePath, environment: [String: String]) -> [FilePath] {
        var found: [FilePath] = []
        var ancestor = folder.lexicallyNormalized()
        while true {
            let tools = ancestor.appending(".tools").appending("envoy")
            if Files.kind(tools) == .directory {
                found.append(tools)
                break
            }
            guard ancestor.removeLastComponent() else { break }
        }
        let own =
            if let home = environment["WASME_HOME"], !home.isEmpty {
                folder.pushing(FilePath(home)).lexicallyNormalized()
            } else if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") {
                FilePath(data).appending("wasme")
            } else if let home = environment["HOME"], !home.isEmpty {
                FilePath(home).pushing(".local/share/wasme")
            } else {
                FilePath?.none
            }
        if let own { found.append(own.appending("envoy")) }
        return found
    }

    /// Asks the executable for its version, as in `1.40.0`.
    /// - Throws: `EnvoyError` if what it prints is not Envoy's.
    package func version() async throws -> String {
        let outcome = try await runToEnd(["--version"], within: .seconds(20))
        // "envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL"
        if outcome.exit == .status(0), let line = outcome.output.firstRange(of: "version: ") {
            let fields = outcome.output[line.upperBound...].split(separator: "/")
            if fields.count >= 3 { return String(fields[1]) }
        }
        let said = outcome.output.split(whereSeparator: \.isNewline).first ?? ""
        throw EnvoyError(
            .unusable,
            "\"\(path)\" is not a usable Envoy: it ended with \(outcome.exit)"
                + (said.isEmpty ? "" : " and said \"\(said)\""),
            hint: "set WASME_ENVOY to an Envoy binary for this kind of machine")
    }

    /// Runs the executable to its end in a folder that is then removed.
    func runToEnd(
        _ arguments: [String], within limit: Duration
    ) async throws -> (exit: GuardedProcess.Exit, output: String) {
        let folder = try RunFolder()
        let process = try GuardedProcess(absolutePath, arguments, folder: folder.path, output: folder.log)
        let exit = try await withTaskCancellationHandler {
            let deadline = Task {
                try await Task.sleep(for: limit)
                process.beginStop(grace: 1)
            }
            let exit = await process.waitForExit()
            deadline.cancel()
            try Task.checkCancellation()
            return exit
        } onCancel: {
            process.beginStop(grace: 1)
        }
        return (exit, try folder.readLog())
    }

    /// The path for a shell that does not know our working folder.
    var absolutePath: FilePath {
        path.isAbsolute ? path : FilePath(currentFolder()).pushing(path).lexicallyNormalized()
    }

    private func currentFolder() -> String {
        guard let folder = getcwd(nil, 0) else { return "/" }
        defer { free(folder) }
        return String(cString: folder)
    }

    static func isExecutable(_ path: FilePath) -> Bool {
        Files.kind(path) == .file && access(path.string, X_OK) == 0
    }
}
