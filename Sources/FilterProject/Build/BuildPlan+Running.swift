// SPDX-License-Identifier: Apache-2.0

private import Files
import SystemPackage

extension BuildPlan {
    /// Runs the commands.
    /// - Returns: where the module is.
    /// - Throws: `ProjectError` that names the first of the toolchain's errors; all of them are told before it.
    func run(_ project: FilterProject, _ context: BuildContext) async throws -> FilePath {
        let environment = context.buildEnvironment(of: project).variables
        let with = tools.isEmpty ? "" : " with \(tools.map(\.title).joined(separator: ", "))"
        if !steps.isEmpty { context.progress("building \(product)\(with)") }
        try prepare?()
        for step in steps { try await run(step, project, environment, context) }
        if let found = try modules(at: module) {
            return isConfined ? try project.confined(found) : found
        }
        if let other = try await elsewhere?(), Files.kind(other) == .file { return other }
        throw ProjectError(
            .buildFailed, "the build of \"\(product)\" ended well and left no module \"\(module)\"",
            hint: missingModuleHint)
    }

    /// The module at a path, or the only one in a folder.
    private func modules(at path: FilePath) throws -> FilePath? {
        switch Files.kind(path) {
        case .file: return path
        case .directory:
            let names = try Files.contents(path).filter { $0.hasSuffix(".wasm") }
            guard names.count < 2 else {
                throw ProjectError(
                    .buildFailed,
                    "the build of \"\(product)\" left \(names.count) modules in \"\(path)\": \(names.joined(separator: ", "))",
                    hint: "an image has one: name it in wasme.yaml, as in build: {output: …/\(names[0])}")
            }
            return names.first.map { path.appending($0) }
        default: return nil
        }
    }

    private func run(
        _ step: BuildStep, _ project: FilterProject, _ environment: [String: String], _ context: BuildContext
    ) async throws {
        let traps = Language.named(project.manifest.language)?.traps ?? []
        let (ending, scan) = try await ToolProcess.runLive(
            step.program, step.arguments, environment: environment.merging(step.environment) { $1 },
            in: step.folder ?? project.root, OutputScan(traps: traps, root: project.root), context)
        guard !ending.succeeded else { return }
        let shown =
            scan.shown
            + traps.filter { trap in
                trap.shows(in: tools) && !scan.shown.contains { $0.name == trap.name }
            }
        report(scan, context)
        for trap in shown.dropFirst() { context.progress("help: \(trap.summary): \(trap.advice)") }
        let first = scan.errors.first.map { $0.place ?? quoted($0.message) } ?? ""
        let why =
            switch scan.errorCount {
            case 0: ""
            case 1: ": \(first)"
            default: ": \(scan.errorCount) errors, the first at \(first)"
            }
        throw ProjectError(
            .buildFailed,
            "the build of \"\(product)\" failed: \(step.name) \(ending.wasKilled ? "was killed" : "ended") with \(ending)\(why)",
            hint: shown.first.map { "\($0.summary): \($0.advice)" } ?? ending.hint
                ?? "its own output above says why")
    }

    /// A short list of what went wrong, after an output that may have been long.
    private func report(_ scan: OutputScan, _ context: BuildContext) {
        guard scan.errorCount > 0 else { return }
        let shown = scan.errors.prefix(5)
        context.progress(scan.errorCount == 1 ? "1 error:" : "\(scan.errorCount) errors:")
        for error in shown {
            let text = "\(error)"
            context.progress("  \(text.count > 240 ? "\(text.prefix(240))…" : text)")
        }
        if scan.errorCount > shown.count { context.progress("  and \(scan.errorCount - shown.count) more") }
    }
}

extension ToolProcess {
    /// Runs a program to its end; what it prints is shown as it comes, and read along.
    static func runLive(
        _ program: FilePath, _ arguments: [String], environment: [String: String], in folder: FilePath,
        _ scan: OutputScan, _ context: BuildContext
    ) async throws -> (Ending, OutputScan) {
        let channel = try OutputChannel(to: context.output)
        defer { channel.closeReadEnd() }
        let flag: StopFlag
        do {
            flag = try StopFlag()
        } catch {
            channel.closeWriteEnd()
            throw error
        }
        let isShown = context.showsOutput
        async let pumped = channel.pump(scan, isShown: isShown, until: flag)
        let ending: Ending
        do {
            ending = try await run(
                program, arguments, environment: environment, in: folder, output: channel.writeEnd)
        } catch {
            channel.closeWriteEnd()
            flag.set()
            _ = await pumped
            throw error
        }
        channel.closeWriteEnd()
        flag.set()
        let (scanned, kept) = await pumped
        if !ending.succeeded, !isShown { kept.withUnsafeBytes { channel.show($0) } }
        return (ending, scanned)
    }
}
