// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import FilterImage
import FilterProject
import OCI
import WasmBinary

/// A filter that an Envoy of ours can run: a project that was built, an image, or a module's file.
struct RunnableFilter {
    /// What it is called.
    let name: String
    let module: [UInt8]
    /// Which of the module's roots to run; empty for the only one.
    var rootID: String
    let kind: EnvoyPlugin.Kind
    /// A configuration that shows the filter at work.
    let example: String?
    /// What its configuration is held against.
    let schema: [UInt8]?
    /// The project that it was built from.
    var project: FilterProject?
    /// The image's digest.
    var digest: Digest?

    /// Builds, reads or pulls what a command line names.
    static func load(
        _ text: String, store: StoreOptions, access: RegistryAccessOptions, quiet: Bool,
        in context: CommandContext
    ) async throws -> RunnableFilter {
        switch try Specimen.find(text, in: context) {
        case .file(let name, let bytes):
            let title = name.split(separator: "/").last.map(String.init) ?? name
            return RunnableFilter(
                name: title.hasSuffix(".wasm") ? String(title.dropLast(5)) : title, module: bytes, rootID: "",
                kind: kind(of: bytes), example: nil, schema: nil)
        case .project(let project):
            if let assumption = project.assumption, !quiet { context.terminal.note("note: \(assumption)") }
            let built = try await project.build(checks: false, in: context) { line in
                if !quiet { context.terminal.note(line) }
            }
            return RunnableFilter(built)
        case .image(let place):
            let stored = try await StoredFilter.load(
                place, store: store, access: access, quiet: quiet, in: context)
            let content = stored.content
            return RunnableFilter(
                name: stored.name, module: content.module, rootID: content.runtime.rootIDs.first ?? "",
                kind: content.metadata.type.flatMap(EnvoyPlugin.Kind.init) ?? kind(of: content.module),
                example: content.exampleConfiguration, schema: content.configSchema, digest: stored.digest)
        }
    }

    /// What came of a build.
    init(_ built: BuiltFilter) {
        let manifest = built.manifest
        name = manifest.name.description
        module = built.module.bytes
        rootID = manifest.module.rootIDs.first ?? ""
        kind = manifest.module.type == .network ? .network : .http
        example = manifest.config.example.map { "\($0)" }
        schema = built.configSchema
        project = built.project
    }

    private init(
        name: String, module: [UInt8], rootID: String, kind: EnvoyPlugin.Kind, example: String?,
        schema: [UInt8]?, digest: Digest? = nil
    ) {
        self.name = name
        self.module = module
        self.rootID = rootID
        self.kind = kind
        self.example = example
        self.schema = schema
        self.digest = digest
    }

    /// By its callbacks; one that has those of both is taken for an HTTP filter, and so is one that has none.
    static func kind(of module: [UInt8]) -> EnvoyPlugin.Kind {
        guard let module = try? WasmModule(module) else { return .http }
        let network = [
            "proxy_on_new_connection", "proxy_on_downstream_data", "proxy_on_upstream_data",
        ]
        let http = [
            "proxy_on_request_headers", "proxy_on_request_body", "proxy_on_response_headers",
            "proxy_on_response_body",
        ]
        return network.contains { module.export($0) != nil } && !http.contains { module.export($0) != nil }
            ? .network : .http
    }

    /// The configuration to run with: what the user gives, else the example.
    /// - Throws: an error of usage if it does not fit the schema.
    func configuration(_ argument: String?, in context: CommandContext) throws -> String? {
        let configuration = try argument.map { try context.configuration($0) } ?? example
        try checkConfiguration(configuration, schema: schema, of: name)
        return configuration
    }
}
