// SPDX-License-Identifier: Apache-2.0

private import FilterImage
private import Files
private import Foundation
package import SystemPackage

extension FilterProject {
    /// Files of the original wasme, which had no `wasme.yaml`.
    private static let originalRuntimeConfig = "runtime-config.json"

    /// What a folder without a `wasme.yaml` is, by its files, as far as they leave no doubt.
    static func derived(in folder: FilePath, language asked: String?) throws -> FilterProject {
        let found = Language.recognise(in: folder)
        let language: Language
        let reason: String
        if let asked, let named = Language.named(asked) {
            guard found.isEmpty || found.contains(where: { $0.language.name == asked }) else {
                throw ProjectError(
                    .noProject,
                    "\"\(folder)\" is no \(named.title) project: \"\(found[0].file)\" is of \(found[0].language.title)",
                    hint: "leave the language out, or name the folder of the \(named.title) sources")
            }
            language = named
            reason = found.first { $0.language.name == asked }?.file ?? "as you say"
        } else {
            guard found.count < 2 else {
                let files = found.map { "\($0.language.name) (\($0.file))" }.joined(separator: " and ")
                throw ProjectError(
                    .noProject, "\"\(folder)\" has files of more than one language: \(files)",
                    hint:
                        "say which, as in 'wasme build \(found[0].language.name) \(folder)', or write it into \(manifestName)"
                )
            }
            guard let only = found.first else {
                throw ProjectError(
                    .noProject, "there is no \(manifestName) in \"\(folder)\" or a folder above it",
                    hint: "run 'wasme init' to start a project here, or name the folder of one")
            }
            language = only.language
            reason = only.file
        }
        guard let name = FilterName.derived(from: folder.lastComponent?.string ?? "") else {
            throw ProjectError(
                .noProject,
                "no filter name follows from the folder \"\(folder)\", and it has no \(manifestName)",
                hint: "write one with a name, a language and the module's rootIds")
        }
        return FilterProject(
            root: folder,
            manifest: ProjectManifest(
                name: name, language: language.name, rootIDs: try originalRootIDs(in: folder)),
            assumption:
                "there is no \(manifestName): taken for a \(language.title) project \"\(name)\" (\(reason)); with one you choose name, version, root ids and targets"
                + (OriginalProject.isThere(in: folder)
                    ? "; 'wasme init --from-wasme \(folder)' writes it, and names what has to change" : "")
        )
    }

    /// The project with other root ids, where no `wasme.yaml` says them.
    package func answering(to rootIDs: [String]) throws -> FilterProject {
        guard let assumption else {
            throw ProjectError(
                .malformed, "the root ids of \"\(root)\" are in its \(Self.manifestName)",
                hint: "change module.rootIds there")
        }
        return FilterProject(
            root: root,
            manifest: ProjectManifest(
                name: manifest.name, language: manifest.language, rootIDs: rootIDs, build: manifest.build),
            assumption: assumption)
    }

    /// A module alone, as a project.
    /// - Parameter module: an absolute path.
    /// - Returns: a project of which only the module goes into an image.
    /// - Throws: `ProjectError` if the file is not there or has no name to derive one from.
    package static func precompiled(_ module: FilePath) throws -> FilterProject {
        guard Files.kind(module) == .file else {
            throw ProjectError(
                .noProject, "there is no file \"\(module)\"", hint: "name the .wasm file that is to be packed"
            )
        }
        let file = module.lastComponent?.string ?? ""
        guard let name = FilterName.derived(from: module.lastComponent?.stem ?? "") else {
            throw ProjectError(
                .invalidName, "no filter name follows from the file \"\(file)\"",
                hint: "give the file another name, as in add-header.wasm")
        }
        let folder = module.removingLastComponent()
        var build = ProjectManifest.Build()
        build.module = file
        return FilterProject(
            root: folder,
            manifest: ProjectManifest(
                name: name, language: Language.precompiled.name, rootIDs: try originalRootIDs(in: folder),
                build: build),
            assumption: "the image has the module \"\(file)\" and nothing else of its folder")
    }

    /// The root ids that the original's file names; none without it, which leaves it to the module what it answers to.
    private static func originalRootIDs(in folder: FilePath) throws -> [String] {
        let file = folder.appending(originalRuntimeConfig)
        guard Files.kind(file) == .file else { return [] }
        do {
            let bytes = try Files.read(file, limit: 1 << 20)
            return try JSONDecoder().decode(RuntimeConfig.self, from: Data(bytes)).rootIDs
        } catch {
            throw ProjectError(
                .malformed, "\"\(file)\" cannot be read", cause: error,
                hint: "mend it, or write a \(manifestName) and remove it")
        }
    }
}
