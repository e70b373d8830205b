// SPDX-License-Identifier: Apache-2.0

private import Files
private import JSON
import SystemPackage

/// Builds a package of Rust as a module, by cargo.
package struct RustBuildDriver: BuildDriver {
    package init() {}

    /// The target of modules: a system interface of preview 1, of which hosts offer a part.
    static let target = "wasm32-wasip1"
    /// The first release that has the target.
    static let minimum = ToolVersion(1, 78)

    package func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan {
        guard Files.kind(project.root.appending("Cargo.toml")) == .file else {
            throw ProjectError(
                .malformed, "the project \"\(project.root)\" has no Cargo.toml, and its language is rust",
                hint: "run 'wasme init --language rust' in an empty folder to see what a project looks like")
        }
        let surroundings = context.surroundings(of: project)
        let cargo = try await LanguageTool.cargo.find(in: surroundings)
        let answer = try await ToolProcess.capture(
            cargo.path, ["metadata", "--no-deps", "--format-version", "1"],
            environment: surroundings.environment, in: project.root)
        guard answer.succeeded, let workspace = CargoWorkspace(answer.stdout) else {
            let reason = answer.stderr.split(separator: "\n").first { $0.hasPrefix("error") }
            throw ProjectError(
                .buildFailed,
                "the package \"\(project.root)\" cannot be read: \(reason.map(String.init) ?? "cargo metadata failed")",
                hint: "run 'cargo metadata --no-deps' there to see all of it")
        }
        let library = try library(of: project, workspace)
        let isRelease = context.configuration == .release
        var plan = BuildPlan(
            product: library.package, tools: [cargo],
            steps: [
                BuildStep(
                    "cargo build", cargo.path,
                    ["build", "--lib", "--package", library.package, "--target", Self.target]
                        + (isRelease ? ["--release"] : []))
            ],
            module: workspace.folder.appending(Self.target).appending(isRelease ? "release" : "debug")
                .appending("\(library.name).wasm"),
            missingModuleHint: "does .cargo/config.toml send the build elsewhere?")
        // What lies elsewhere may take more from elsewhere, and cargo alone knows what.
        plan.outside = workspace.isAll(in: project.root) ? [] : nil
        return plan
    }

    /// The library that is the module: the manifest's choice, the one of the project's own package, the only one.
    private func library(
        of project: FilterProject, _ workspace: CargoWorkspace
    ) throws -> CargoWorkspace.Library {
        let all = workspace.libraries
        let root = realPath(project.root)
        let own = all.filter { realPath($0.folder) == root }
        let candidates =
            if let product = project.manifest.build.product {
                all.filter { $0.package == product || $0.name == product }
            } else {
                own.isEmpty ? all.filter(\.isModule) : own
            }
        if let library = candidates.first, candidates.count == 1 {
            guard library.isModule else {
                throw ProjectError(
                    .malformed,
                    "the library of the package \"\(library.package)\" is of the kind \(library.kinds.joined(separator: ", ")), which makes no module",
                    hint: "write into Cargo.toml, under [lib]: crate-type = [\"cdylib\"]")
            }
            return library
        }
        if let product = project.manifest.build.product {
            throw ProjectError(
                .malformed, "the package \"\(project.root)\" has no library \(quoted(product))",
                hint:
                    "build.product in wasme.yaml is the name of a package with a library; there are \(list(all))"
            )
        }
        guard !candidates.isEmpty else {
            throw ProjectError(
                .malformed, "the package \"\(project.root)\" has no library to make a module of",
                hint:
                    "move the code to src/lib.rs, and write into Cargo.toml, under [lib]: crate-type = [\"cdylib\"]"
            )
        }
        throw ProjectError(
            .malformed, "the workspace \"\(project.root)\" has several libraries: \(list(candidates))",
            hint: "name the one to build in wasme.yaml: build: {product: \(candidates[0].package)}")
    }

    private func list(_ libraries: [CargoWorkspace.Library]) -> String {
        libraries.isEmpty ? "none" : libraries.map(\.package).joined(separator: ", ")
    }
}

/// What `cargo metadata` says of a workspace.
struct CargoWorkspace {
    /// A library of a package.
    struct Library {
        let package: String
        /// Its file's, as in "add_header".
        let name: String
        let kinds: [String]
        /// Where the package is.
        let folder: FilePath

        /// Whether it is linked like a C library: only that makes a module.
        var isModule: Bool { kinds.contains("cdylib") }
    }

    /// Where the builds go.
    let folder: FilePath
    let libraries: [Library]
    /// The folder of the workspace itself; nil if it is not said.
    private let root: FilePath?
    /// The folders of its packages.
    private let members: [FilePath]
    /// The folders of packages that these take from this machine.
    private let neighbours: [FilePath]

    /// Whether everything that is built, but for what comes from a registry, is a package of this workspace and lies in
    /// a folder.
    func isAll(in project: FilePath) -> Bool {
        let home = realPath(project)
        let packages = Set(members.map(realPath))
        return (root.map(realPath) ?? home) == home && packages.allSatisfy { $0.starts(with: home) }
            && neighbours.allSatisfy { packages.contains(realPath($0)) }
    }

    /// Reads the answer, in format 1; nil if it is none.
    init?(_ text: String) {
        guard let root = (try? JSONValue(parsing: text))?.object,
            let folder = root["target_directory"]?.string
        else { return nil }
        self.folder = FilePath(folder)
        let packages = (root["packages"]?.array ?? []).compactMap(\.object)
        func place(_ package: JSONObject) -> FilePath {
            FilePath(package["manifest_path"]?.string ?? "").removingLastComponent()
        }
        self.root = root["workspace_root"]?.string.map { FilePath($0) }
        members = packages.map(place)
        neighbours = packages.flatMap { $0["dependencies"]?.array ?? [] }.compactMap {
            $0.object?["path"]?.string.map { FilePath($0) }
        }
        libraries = packages.flatMap { package -> [Library] in
            (package["targets"]?.array ?? []).compactMap { target -> Library? in
                let kinds = (target.object?["crate_types"]?.array ?? []).compactMap(\.string)
                let isLibrary = (target.object?["kind"]?.array ?? []).compactMap(\.string).contains {
                    ["lib", "rlib", "dylib", "cdylib", "staticlib"].contains($0)
                }
                guard isLibrary, let name = target.object?["name"]?.string else { return nil }
                return Library(
                    package: package["name"]?.string ?? "",
                    name: name.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "_"),
                    kinds: kinds, folder: place(package))
            }
        }
    }
}
