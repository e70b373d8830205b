// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import FilterProject
import Scenarios
import SystemPackage

/// Which files have the tests, and what they are about.
struct TestPlace {
    /// What is tested, as a command line names it.
    let subject: String
    /// The files, and what messages call them.
    let files: [(name: String, path: FilePath)]

    /// Finds them by what the command line names: files, a project's folder, or nothing for the project at hand.
    ///
    /// The module is that of the project that they belong to, unless the user wants to test another.
    init(_ places: [String], module: String?, in context: CommandContext) throws {
        if places.isEmpty || places.count == 1 && Files.kind(context.path(places[0])) == .directory {
            let place = places.first ?? "."
            let root = Self.project(of: context.path(place))?.root ?? context.path(place)
            files = try Self.tests(below: root, in: context)
            subject = module ?? place
        } else {
            files = try places.map { place in
                let path = context.path(place)
                guard Files.kind(path) == .file else { throw Self.noFile(place, path) }
                guard !place.hasSuffix(".wasm") else {
                    throw CommandError(
                        .usage, "\"\(place)\" is a module and holds no tests",
                        hint: "name it with --module, as in 'wasme test tests.yaml --module \(place)'")
                }
                return (place, path)
            }
            let folder = files[0].path.removingLastComponent()
            subject = module ?? (Self.project(of: folder) == nil ? "." : folder.string)
        }
    }

    private static func noFile(_ place: String, _ path: FilePath) -> CommandError {
        guard Files.kind(path) == nil else {
            return CommandError(
                .usage, "\"\(place)\" is no file", hint: "name files with tests, or one folder of a project")
        }
        return CommandError(
            .usage, "there is no file or folder \"\(place)\"",
            hint: "name files with tests; what is tested with them is named by --module")
    }

    private static func project(of folder: FilePath) -> FilterProject? {
        try? FilterProject.find(from: folder)
    }

    /// `tests.yaml` and what is in `tests`.
    private static func tests(
        below root: FilePath, in context: CommandContext
    ) throws -> [(name: String, path: FilePath)] {
        let folder = root.appending("tests")
        let others = Files.kind(folder) == .directory ? try Files.contents(folder) : []
        let paths =
            [root.appending("tests.yaml")]
            + others.filter { $0.hasSuffix(".yaml") }.sorted().map { folder.appending($0) }
        let files = paths.filter { Files.kind($0) == .file }
        guard !files.isEmpty else {
            throw CommandError(
                .usage, "there are no tests in \"\(root)\": neither tests.yaml nor tests/*.yaml",
                hint: "write some, as Docs/guides/testing.md shows, or name files with them")
        }
        return files.map { path in
            var relative = path
            return (relative.removePrefix(context.workingDirectory) ? relative.string : path.string, path)
        }
    }

    /// Reads the files; what is wrong with all of them is told at once.
    func read(in context: CommandContext) throws -> [ScenarioFile] {
        var read: [ScenarioFile] = []
        var errors: [any Error] = []
        for (name, path) in files {
            do {
                guard let text = String(validating: try Files.read(path, limit: 1 << 20), as: UTF8.self)
                else {
                    throw CommandError(.usage, "\"\(name)\" is not UTF-8 text")
                }
                read.append(
                    try ScenarioFile(parsing: text, file: name, environment: context.environment))
            } catch let error as ScenarioError {
                errors += error.all
            } catch {
                errors.append(error)
            }
        }
        try Self.report(errors, in: context)
        return read
    }

    /// Throws the last of some errors when the others have been told.
    static func report(_ errors: [any Error], in context: CommandContext) throws {
        for error in errors.dropLast() { context.terminal.note(render(error)) }
        if let last = errors.last { throw last }
    }
}
