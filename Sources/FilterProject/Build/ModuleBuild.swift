// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import FilterImage
private import Files
private import OCI
package import SystemPackage
package import WasmBinary

/// A project's module as it goes into an image, and how it came about.
package struct MadeModule: Sendable {
    /// Where the toolchain left it; what was done to it afterwards is in `module` alone.
    package let path: FilePath
    package let module: WasmModule
    /// Whether it is that of the last build: nothing had changed, and no toolchain was run.
    package let isRemembered: Bool
    /// How it became smaller after the build.
    package let steps: [ModuleStep]
    /// Bytes of the module of the build before this one; nil if none is remembered.
    package let previousSize: Int?
    /// Whether it is in the project's memory now.
    package let isKept: Bool
    /// What is remembered of this build.
    package let record: BuildMemory.Record
}

/// Makes a project's module: from memory if nothing has changed, else by its driver.
struct ModuleBuild {
    let project: FilterProject
    let context: BuildContext

    private static let maximumSize = 256 << 20

    func run() async throws -> MadeModule {
        let driver = try project.buildDriver()
        var plan = try await driver.plan(project, context)
        let finish = ModuleFinish(project, context)
        let optimizer = try await finish.optimizer()
        if let optimizer { plan.tools.append(optimizer) }
        let memory = BuildMemory(of: project, context.configuration)
        let last = keepsMemory ? memory.record() : nil
        let before = try inputs(of: plan)
        let sources = try ownSources()
        if context.usesMemory, let last, let before, last.key == before {
            if let bytes = memory.module(of: last) {
                return try made(
                    bytes, at: plan.module, last, isRemembered: true, isKept: true, previousSize: last.size)
            }
            context.progress("the remembered module is damaged or gone; building it again")
        }
        let path = try await plan.run(project, context)
        let raw = try Files.read(path, limit: Self.maximumSize)
        _ = try module(raw, at: path)
        let (finished, steps) = try await finish.run(raw, optimizer: optimizer)
        let bytes = BuildStamp.stamped(finished)
        let key = try await key(after: plan, driver, optimizer, sources)
        let record = BuildMemory.Record(
            key: key, module: Digest(of: bytes), size: bytes.count,
            steps: steps,
            image: last?.image)
        // Nothing that cannot be used is remembered.
        try check(bytes, at: path)
        let isKept = try remember(record, bytes, in: memory)
        return try made(
            bytes, at: path, record, isRemembered: false, isKept: isKept, previousSize: last?.size)
    }

    /// A lone module's folder is not ours to keep anything in.
    private var keepsMemory: Bool {
        !(project.isDerived && project.manifest.language == Language.precompiled.name)
    }

    private func remember(
        _ record: BuildMemory.Record, _ bytes: [UInt8], in memory: BuildMemory
    ) throws -> Bool {
        guard keepsMemory else { return false }
        do {
            try memory.remember(record, module: bytes)
            return true
        } catch let error as SystemError {
            // The image can be made all the same.
            context.progress("note: the next build starts from nothing: \(error.message)")
            return false
        }
    }

    // MARK: - The module

    private func made(
        _ bytes: [UInt8], at path: FilePath, _ record: BuildMemory.Record, isRemembered: Bool, isKept: Bool,
        previousSize: Int?
    ) throws -> MadeModule {
        if isRemembered { try check(bytes, at: path) }
        return MadeModule(
            path: path, module: try module(bytes, at: path), isRemembered: isRemembered, steps: record.steps,
            previousSize: previousSize, isKept: isKept, record: record)
    }

    /// Looks for secrets: also in a module that is remembered, as a variable may be set since.
    private func check(_ bytes: [UInt8], at path: FilePath) throws {
        let leaks = SecretScan.leaks(context.environment, in: bytes)
        guard !leaks.isEmpty else { return }
        let names = leaks.joined(separator: ", ")
        throw ProjectError(
            .unusableModule,
            "\"\(path)\" has the value of \(leaks.count == 1 ? "the variable" : "the variables") \(names) in it, and an image is for others",
            hint:
                "find where the sources take it in; a filter gets secrets with its configuration or from its host"
        )
    }

    private func module(_ bytes: [UInt8], at path: FilePath) throws -> WasmModule {
        do {
            return try WasmModule(bytes)
        } catch {
            let kind = FileKind(bytes)
            let traps = Language.named(project.manifest.language)?.traps ?? []
            let trap = traps.first { $0.shows(in: kind) }
            throw ProjectError(
                .unusableModule, "\"\(path)\" cannot be used: \(error)",
                hint: trap.map { "\($0.summary): \($0.advice)" } ?? Self.componentHint(kind) ?? error.hint)
        }
    }

    private static func componentHint(_ kind: FileKind) -> String? {
        kind == .component
            ? "targets named wasip2 make components, and proxies load core modules: build for wasip1" : nil
    }

    // MARK: - What goes in

    /// The project's own sources without what builds write down for the next one; nil if there are too many.
    private func ownSources() throws -> Digest? {
        let locks = Language.named(project.manifest.language)?.locks ?? []
        return try BuildInputs(of: project).leaving(out: locks).digest()
    }

    /// What the module that was just built depends on; nil if that cannot be known.
    ///
    /// What changed while the build ran may be in the module and may not, and then nothing is known, except for what the
    /// build itself wrote down. A toolchain may know only after the first build which other folders it reads.
    private func key(
        after plan: BuildPlan, _ driver: any BuildDriver, _ optimizer: FoundTool?, _ sources: Digest?
    ) async throws -> Digest? {
        guard let sources, try ownSources() == sources else { return nil }
        var now = try await driver.plan(project, context)
        if let optimizer { now.tools.append(optimizer) }
        guard now.outside == plan.outside || (plan.outside == nil && now.outside == []) else { return nil }
        return try inputs(of: now)
    }

    /// What a build would depend on; nil if that cannot be known.
    private func inputs(of plan: BuildPlan) throws -> Digest? {
        guard let outside = plan.outside, let all = try BuildInputs(of: project).digest(of: outside) else {
            return nil
        }
        let manifest = project.manifest
        var lines = [
            "wasme \(Release.version)", context.configuration.rawValue, manifest.language, plan.product,
            "\(all)", manifest.build.optimize.joined(separator: " "),
            manifest.build.strip.map(\.rawValue).sorted().joined(separator: " "),
        ]
        lines += plan.settings
        lines += plan.tools.map { "\($0.path) \($0.version?.description ?? "") \($0.answer)" }
        for step in plan.steps {
            lines += ["\(step.program)"] + step.arguments
            lines += step.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        }
        lines += context.buildEnvironment(of: project).inputs.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value)" }
        return Digest(of: Array(lines.joined(separator: "\u{0}").utf8))
    }
}
