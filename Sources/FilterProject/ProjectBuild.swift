// SPDX-License-Identifier: Apache-2.0

private import Files
package import FilterImage
package import HostProfiles
package import OCI
package import SystemPackage
package import WasmBinary

/// A project's module with everything that an image is made of.
package struct BuiltFilter: Sendable {
    package let project: FilterProject
    /// The module, and how it came about.
    package let made: MadeModule
    package let configuration: BuildConfiguration
    package var modulePath: FilePath { made.path }
    /// The module, read; its `bytes` are what goes into the image, with the identity of this build in them.
    package var module: WasmModule { made.module }
    /// The ABI version that hosts take the module for; a checked module has one.
    package var abiVersion: ProxyABIVersion? {
        module.proxyABIVersions.first(where: ProxyABIVersion.published.contains) ?? module.proxyABIVersion
    }
    /// What the targets say of it; nil if they were not asked.
    package let report: CheckReport?
    /// The JSON schema of the configuration, as it is in the file.
    package let configSchema: [UInt8]?
    package let readme: [UInt8]?
    package let licence: [UInt8]?
    package let icon: FilterIcon?
    /// Which sources this is.
    package let revision: SourceRevision

    package var manifest: ProjectManifest { project.manifest }

    /// Remembers the image that was made of it, so that the next build need not make it again.
    ///
    /// What cannot be remembered costs time and nothing else.
    package func remember(image: Digest, of key: Digest) {
        guard made.isKept else { return }
        var record = made.record
        record.image = BuildMemory.Record.Image(key: key, digest: image)
        try? BuildMemory(of: project, configuration).remember(record)
    }
}

/// Builds a project and checks that the hosts it is for take what came of it.
package struct ProjectBuild: Sendable {
    package let project: FilterProject

    package init(_ project: FilterProject) {
        self.project = project
    }

    private static let readmeNames = ["README.md", "README", "README.txt", "Readme.md", "readme.md"]
    private static let licenceNames = [
        "LICENSE", "LICENCE", "LICENSE.txt", "LICENCE.txt", "LICENSE.md", "LICENCE.md", "COPYING",
    ]
    /// A README, a licence or a schema is a page to read.
    private static let maximumDocumentSize = 1 << 20

    /// Builds the module and gathers what belongs to it.
    /// - Parameters:
    ///   - context: the surroundings.
    ///   - checks: whether to hold the module against the project's targets.
    /// - Returns: what an image is made of.
    /// - Throws: `ProjectError`, with code `refusedByTarget` if a target does not take the module.
    package func run(_ context: BuildContext, checks: Bool = true) async throws -> BuiltFilter {
        // First what takes no time: a wrong example should not cost a build.
        let schema = try checkedSchema(context)
        let icon = try icon()
        let made = try await ModuleBuild(project: project, context: context).run()
        let report = checks ? try check(made.module, made.path, context) : nil
        // After the build: what it leaves among the sources is there the next time too.
        let revision = try await SourceRevision.read(
            of: project.root, environment: context.environment, note: context.progress)
        return BuiltFilter(
            project: project, made: made, configuration: context.configuration, report: report,
            configSchema: schema, readme: try document(Self.readmeNames),
            licence: try document(Self.licenceNames), icon: icon, revision: revision)
    }

    private func icon() throws -> FilterIcon? {
        guard let relative = project.manifest.icon else { return nil }
        let path = try project.path(relative)
        return try FilterIcon(try Files.read(path, limit: 16 << 20), named: relative)
    }

    /// Holds the example configuration against the schema.
    /// - Returns: the schema's file, if the manifest names one.
    private func checkedSchema(_ context: BuildContext) throws -> [UInt8]? {
        guard let relative = project.manifest.config.schema else { return nil }
        let path = try project.path(relative)
        let bytes = try Files.read(path, limit: Self.maximumDocumentSize)
        let violations: [ConfigSchema.Violation]
        do {
            let schema = try ConfigSchema(bytes: bytes)
            guard let example = project.manifest.config.example else { return bytes }
            violations = try schema.validate(example)
        } catch {
            throw ProjectError(
                .malformed, "\"\(path)\" cannot be used: \(error.message)",
                hint: error.hint ?? "config.schema in wasme.yaml names a JSON schema of draft 2020-12")
        }
        guard let first = violations.first else { return bytes }
        for violation in violations.dropFirst() { context.progress("config.example: \(violation)") }
        let more = violations.count > 1 ? " (and \(violations.count - 1) more)" : ""
        throw ProjectError(
            .invalidExample, "config.example in wasme.yaml does not fit \"\(relative)\": \(first)\(more)",
            hint: "change the example or the schema; users of the filter start from the example")
    }

    // MARK: - What the targets say

    /// The hosts that the project is for; the usual ones if it names none.
    package var targets: [HostTarget] {
        project.manifest.targets.isEmpty ? HostCatalog.usualTargets : project.manifest.targets
    }

    /// Holds the module against what each target takes; warnings are passed on, errors end the build.
    private func check(_ module: WasmModule, _ path: FilePath, _ context: BuildContext) throws -> CheckReport
    {
        let report = try HostCatalog.bundled().report(CheckSubject(.whole(module)), for: targets)
        let errors = report.entries.filter { $0.finding.severity == .error }
        func hosts(_ entry: CheckReport.Entry) -> String {
            entry.isEverywhere ? "every target" : entry.hosts.map(\.description).joined(separator: ", ")
        }
        for entry in report.entries where entry.finding.severity == .warning {
            context.progress("warning: \(entry.finding.message) (\(hosts(entry)))")
        }
        guard let first = errors.first else { return report }
        for entry in errors.dropFirst() { context.progress("\(hosts(entry)): \(entry.finding.message)") }
        let more = errors.count > 1 ? " (and \(errors.count - 1) more)" : ""
        let traps = Language.named(project.manifest.language)?.traps ?? []
        if let trap = traps.first(where: { $0.shows(in: module) }) {
            context.progress("help: \(trap.summary): \(trap.advice)")
        }
        throw ProjectError(
            .refusedByTarget,
            "\"\(path)\" is not for \(hosts(first)): \(first.finding.message)\(more)",
            hint: (first.finding.fix.map { "\($0); " } ?? "")
                + "'wasme check' says more, and --no-check builds all the same")
    }

    private func document(_ names: [String]) throws -> [UInt8]? {
        // What lies beside a lone module need not be about it.
        let isLone = project.isDerived && project.manifest.language == Language.precompiled.name
        guard !isLone, let name = names.first(where: { Files.kind(project.root.appending($0)) == .file })
        else {
            return nil
        }
        return try Files.read(try project.path(name), limit: Self.maximumDocumentSize)
    }
}
