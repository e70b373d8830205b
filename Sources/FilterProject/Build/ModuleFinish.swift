// SPDX-License-Identifier: Apache-2.0

private import Files
private import SystemPackage
private import WasmBinary

extension LanguageTool {
    /// Makes modules smaller or faster, where `build.optimize` asks for it.
    package static let wasmOpt: LanguageTool = {
        var tool = LanguageTool(
            "wasm-opt", programs: ["wasm-opt"], variable: "WASME_WASM_OPT",
            purpose: "optimises modules where build.optimize asks for it",
            install: InstallAdvice(
                Dictionary(uniqueKeysWithValues: PackageManager.allCases.map { ($0, ["binaryen"]) }),
                elsewhere: "install binaryen from https://github.com/WebAssembly/binaryen/releases"),
            isOptional: true)
        // "wasm-opt version 108"
        tool.readVersion = { ToolVersion(in: $0, after: "version ") }
        return tool
    }()
}

/// What is done to a module after its build: optimised, then stripped, as the manifest says.
struct ModuleFinish {
    private let project: FilterProject
    private let context: BuildContext

    init(_ project: FilterProject, _ context: BuildContext) {
        self.project = project
        self.context = context
    }

    private var build: ProjectManifest.Build { project.manifest.build }

    /// The optimiser, if the manifest asks for one.
    func optimizer() async throws -> FoundTool? {
        guard !build.optimize.isEmpty else { return nil }
        return try await LanguageTool.wasmOpt.find(in: context.surroundings(of: project))
    }

    /// Does it.
    /// - Returns: the module, and what each step saved.
    func run(_ bytes: [UInt8], optimizer: FoundTool?) async throws -> ([UInt8], [ModuleStep]) {
        var bytes = bytes
        var steps: [ModuleStep] = []
        func note(_ name: String, _ result: [UInt8]) {
            let step = ModuleStep(name: name, before: bytes.count, after: result.count)
            steps.append(step)
            bytes = result
        }
        if let optimizer {
            let name = "wasm-opt \(build.optimize.joined(separator: " "))"
            note(name, try await optimize(bytes, by: optimizer))
        }
        if !build.strip.isEmpty {
            let parts = build.strip.map(\.rawValue).sorted()
            note(
                "strip \(parts.joined(separator: ", "))",
                ModulePart.strip(build.strip, from: try WasmModule(bytes)))
        }
        return (bytes, steps)
    }

    private func optimize(_ bytes: [UInt8], by tool: FoundTool) async throws -> [UInt8] {
        let folder = try BuildMemory(of: project, context.configuration).prepare()
        let name = Files.randomName()
        let input = folder.appending("\(name).in.wasm")
        let output = folder.appending("\(name).out.wasm")
        defer {
            for file in [input, output] { try? Files.remove(file) }
        }
        try Files.replace(input, with: bytes)
        let names = context.configuration == .debug ? ["-g"] : []
        let answer = try await ToolProcess.capture(
            tool.path,
            [input.string, "-o", output.string] + (try features(of: bytes)) + names + build.optimize,
            environment: context.buildEnvironment(of: project).variables, in: project.root)
        guard answer.succeeded, Files.kind(output) == .file else {
            let why = answer.stderr.split(separator: "\n").last.map { ": \($0)" } ?? ""
            throw ProjectError(
                .buildFailed, "\(tool.title) could not optimise the module\(why)",
                hint:
                    "build.optimize in wasme.yaml has its options; run '\(tool.path) --help' to see all of them"
            )
        }
        return try Files.read(output, limit: 256 << 20)
    }

    /// Lets wasm-opt use what the module uses and nothing more: hosts take the module as it was.
    private func features(of bytes: [UInt8]) throws -> [String] {
        try WasmModule(bytes).features().features.compactMap { Self.options[$0] }
    }

    private static let options: [Feature: String] = [
        .mutableGlobals: "--enable-mutable-globals", .signExtension: "--enable-sign-ext",
        .saturatingConversion: "--enable-nontrapping-float-to-int", .multiValue: "--enable-multivalue",
        .bulkMemory: "--enable-bulk-memory", .referenceTypes: "--enable-reference-types",
        .simd: "--enable-simd", .relaxedSIMD: "--enable-relaxed-simd", .threads: "--enable-threads",
        .tailCall: "--enable-tail-call", .exceptions: "--enable-exception-handling",
        .legacyExceptions: "--enable-exception-handling", .extendedConstants: "--enable-extended-const",
        .memory64: "--enable-memory64", .garbageCollection: "--enable-gc",
    ]
}
