// SPDX-License-Identifier: Apache-2.0

private import Files
private import JSON
private import OCI
private import SystemPackage
private import WasmeTemplates

/// Builds a Swift package as a module of Embedded Swift, by the stock toolchain and the toolset of the catalog.
package struct SwiftBuildDriver: BuildDriver {
    package init() {}

    package func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan {
        guard Files.kind(project.root.appending("Package.swift")) == .file else {
            throw ProjectError(
                .malformed, "the project \"\(project.root)\" has no Package.swift, and its language is swift",
                hint: "run 'wasme init' in an empty folder to see what a project looks like")
        }
        let isDebug = context.configuration == .debug
        let toolset = FilePath(
            isDebug ? context.catalog.swiftDebugToolset : context.catalog.swiftToolset)
        guard Files.kind(toolset) == .file else {
            throw ProjectError(
                .noTemplate, "the toolset \"\(toolset)\" is missing",
                hint: "install wasme again, or set \(TemplateCatalog.variable)")
        }
        let surroundings = context.surroundings(of: project)
        let toolchain = try await SwiftToolchain.find(
            option: project.manifest.build.swift, in: surroundings)
        let product = try await product(of: project, toolchain, surroundings)
        // Both are optimised: unoptimised Embedded Swift is many times as large. They differ in what is kept beside the
        // code, and so that one does not undo the other's work, in where they are built.
        let scratch = isDebug ? ".build/wasme-debug" : ".build"
        var arguments = [
            "build", "-c", "release", "--triple", SwiftToolchain.triple, "--toolset", toolset.string,
            "--product", product,
        ]
        if isDebug { arguments += ["--scratch-path", project.root.pushing(FilePath(scratch)).string] }
        if let tables = toolchain.unicodeTables { arguments += ["-Xlinker", tables.string] }
        arguments += linkerOptions(toolchain, surroundings, context)
        var plan = BuildPlan(
            product: product, tools: [toolchain.tool],
            steps: [BuildStep("swift build", toolchain.swift, arguments)],
            module: project.root.pushing(
                FilePath("\(scratch)/\(SwiftToolchain.triple)/release/\(product).wasm")),
            missingModuleHint:
                "is \"\(product)\" an executable product? name the right one in wasme.yaml: build: {product: …}"
        )
        plan.prepare = { [root = project.root, progress = context.progress] in
            try Self.forgetOldPlace(of: root, scratch: root.pushing(FilePath(scratch)), progress)
        }
        let state = project.root.pushing(FilePath("\(scratch)/workspace-state.json"))
        let root = realPath(project.root)
        plan.outside = localPackages(state)?.filter { !realPath($0).starts(with: root) }
        plan.settings = ["\(Digest(of: try Files.read(toolset)))"]
        // A scratch folder of the user's, or a package manager with another layout.
        plan.elsewhere = { [arguments] in
            let answer = try await surroundings.answer(toolchain.swift, arguments + ["--show-bin-path"])
            let folder = FilePath(answer.map(lastLine) ?? "")
            return folder.isAbsolute ? folder.appending("\(product).wasm") : nil
        }
        return plan
    }

    /// Removes the compiler's module cache if what was built here was built in another folder.
    ///
    /// Modules in it name the folder that they were made in, and the compiler refuses them in any other.
    private static func forgetOldPlace(
        of root: FilePath, scratch: FilePath, _ progress: (String) -> Void
    ) throws {
        let cache = scratch.pushing(FilePath("\(SwiftToolchain.triple)/release/ModuleCache"))
        // The package manager's own plan, which has whole paths.
        guard Files.kind(cache) == .directory,
            let plan = try? Files.read(scratch.appending("release.yaml"), limit: 64 << 20)
        else { return }
        let text = String(decoding: plan, as: UTF8.self)
        guard !["\(root)/", "\(realPath(root))/"].contains(where: text.contains) else { return }
        progress("note: the project was built in another folder; its module cache is made anew")
        try Files.remove(cache)
    }

    /// The folders of packages that are used where they lie, as the package manager wrote down at its last build; nil if
    /// there was none.
    private func localPackages(_ state: FilePath) -> [FilePath]? {
        guard let bytes = try? Files.read(state, limit: 16 << 20), let json = try? JSONValue(parsing: bytes),
            let dependencies = json.object?["object"]?.object?["dependencies"]?.array
        else { return nil }
        return dependencies.compactMap { dependency in
            let reference = dependency.object?["packageRef"]?.object
            guard let kind = reference?["kind"]?.string, kind == "fileSystem" || kind == "root" else {
                return nil
            }
            return reference?["location"]?.string.map { FilePath($0) }
        }
    }

    /// Keeps clang from running the wasm-opt that may be in PATH.
    ///
    /// The same sources would give another module where it is. `build.optimize` in wasme.yaml runs it for everybody.
    private func linkerOptions(
        _ toolchain: SwiftToolchain, _ surroundings: ToolSurroundings, _ context: BuildContext
    ) -> [String] {
        guard let version = toolchain.tool.version, version < ToolVersion(6, 3) else {
            return ["-Xswiftc", "-Xclang-linker", "-Xswiftc", "--no-wasm-opt"]
        }
        // Its clang is older than the option (LLVM 20).
        if let program = surroundings.program("wasm-opt") {
            context.progress(
                "note: the linker of Swift \(version) runs \"\(program)\", and the module will differ where there is none"
            )
        }
        return []
    }

    /// The executable product that is the module: the manifest's choice, the one named after the filter, the only one.
    private func product(
        of project: FilterProject, _ toolchain: SwiftToolchain, _ surroundings: ToolSurroundings
    ) async throws -> String {
        if let product = project.manifest.build.product { return product }
        let usual = project.manifest.name.module
        // What the scaffold writes; asking the package manager costs a second.
        if Files.kind(project.root.appending("Sources").appending(usual)) == .directory { return usual }
        let answer = try await ToolProcess.capture(
            toolchain.swift, ["package", "describe", "--type", "json"], environment: surroundings.environment,
            in: project.root)
        guard answer.succeeded else {
            throw ProjectError(
                .buildFailed, "the package \"\(project.root)\" cannot be read: \(lastLine(answer.stderr))",
                hint: "run 'swift package describe' there to see all of it")
        }
        let products = executables(answer.stdout)
        if products.contains(usual) { return usual }
        guard let product = products.first, products.count == 1 else {
            throw ProjectError(
                .malformed,
                products.isEmpty
                    ? "the package \"\(project.root)\" has no executable product to make a module of"
                    : "the package \"\(project.root)\" has several executable products: \(products.joined(separator: ", "))",
                hint: "name the one to build in wasme.yaml: build: {product: \(products.first ?? usual)}")
        }
        return product
    }

    private func executables(_ description: String) -> [String] {
        do {
            let package = try JSONValue(parsing: description)
            return (package.object?["products"]?.array ?? []).compactMap { product in
                product.object?["type"]?.object?["executable"] == nil ? nil : product.object?["name"]?.string
            }
        } catch {
            return []
        }
    }
}

private func lastLine(_ text: String) -> String {
    text.split(separator: "\n").last.map(String.init) ?? ""
}
