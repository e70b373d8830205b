// SPDX-License-Identifier: Apache-2.0

private import Files
private import FilterImage
package import SystemPackage
package import WasmBinary

/// A project's module with everything that an image is made of.
package struct BuiltFilter: Sendable {
    package let project: FilterProject
    package let modulePath: FilePath
    /// The module, read; its `bytes` are what goes into the image, with the identity of this build in them.
    package let module: WasmModule
    package let abiVersion: ProxyABIVersion
    /// The JSON schema of the configuration, as it is in the file.
    package let configSchema: [UInt8]?
    package let readme: [UInt8]?
    package let licence: [UInt8]?

    package var manifest: ProjectManifest { project.manifest }
}

/// Builds a project and checks that a proxy could load what came of it.
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
    package func run(_ context: BuildContext) async throws -> BuiltFilter {
        // First what takes no time: a wrong example should not cost a build.
        let schema = try checkedSchema(context)
        let path = try await project.buildDriver().build(project, context)
        let bytes = BuildStamp.stamped(try Files.read(path, limit: 256 << 20))
        let module: WasmModule
        do {
            module = try WasmModule(bytes)
        } catch {
            throw ProjectError(.unusableModule, "\"\(path)\" cannot be used: \(error)", hint: error.hint)
        }
        let version = try check(module, path, context)
        return BuiltFilter(
            project: project, modulePath: path, module: module, abiVersion: version, configSchema: schema,
            readme: try document(Self.readmeNames), licence: try document(Self.licenceNames))
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

    /// What a host asks of a module before it runs (Proxy-Wasm ABI, "Integration"); imports are a matter of the host.
    private func check(
        _ module: WasmModule, _ path: FilePath, _ context: BuildContext
    ) throws -> ProxyABIVersion {
        func unusable(_ reason: String, _ hint: String) -> ProjectError {
            ProjectError(.unusableModule, "\"\(path)\" is no Proxy-Wasm module: \(reason)", hint: hint)
        }
        guard !module.isObjectFile else {
            throw unusable(
                "it is an object file for the linker", "name the linked module as the build's output")
        }
        guard let version = module.proxyABIVersion else {
            throw unusable(
                "it exports no function proxy_abi_version_…", "link a Proxy-Wasm SDK and export its functions"
            )
        }
        guard module.proxyAllocator != nil else {
            throw unusable(
                "it exports neither malloc nor proxy_on_memory_allocate",
                "a host needs one of them to hand data to the module; the SDKs export it")
        }
        guard module.export("memory", kind: .memory) != nil else {
            throw unusable(
                "it exports no memory named \"memory\"",
                "hosts load it, and then every call into the host fails")
        }
        if module.proxyABIVersions.count > 1 {
            let list = module.proxyABIVersions.map(\.description).joined(separator: ", ")
            context.progress("the module names several ABI versions (\(list)); hosts take the first")
        }
        if !ProxyABIVersion.published.contains(version) {
            context.progress("the module's ABI version \(version) is not one that hosts are known to load")
        }
        return version
    }

    private func document(_ names: [String]) throws -> [UInt8]? {
        guard let name = names.first(where: { Files.kind(project.root.appending($0)) == .file }) else {
            return nil
        }
        return try Files.read(try project.path(name), limit: Self.maximumDocumentSize)
    }
}
