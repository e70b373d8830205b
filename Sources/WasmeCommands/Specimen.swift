// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import FilterImage
import FilterInspection
import FilterProject
import HostProfiles
import ImageTransfer
import SystemPackage
import WasmBinary
import WasmeTemplates

/// What a command line names to be looked at: a file, a project or an image.
enum Specimen {
    /// The bytes of a file, whatever they are.
    case file(name: String, bytes: [UInt8])
    case project(FilterProject)
    case image(ImagePlace)

    /// The largest file that is read.
    private static let limit = 512 << 20

    /// Finds out what is meant: what exists as a path is that, and all else is an image.
    static func find(_ text: String, in context: CommandContext) throws -> Specimen {
        if text == "-" {
            let bytes = try Files.read(FilePath("/dev/stdin"), limit: limit)
            return .file(name: "standard input", bytes: bytes)
        }
        // What is spelt out as an image is none of the files.
        if let place = try? ImagePlace(text) {
            guard case .named = place else { return .image(place) }
        }
        let path = context.path(text)
        switch Files.kind(path) {
        case .directory?: return .project(try FilterProject.find(from: path))
        case .some:
            return .file(name: text, bytes: try Files.read(path, limit: limit))
        case nil:
            let isPath = text.isEmpty || text.hasPrefix("/") || text.hasPrefix(".") || text.hasPrefix("~")
            guard !isPath, !text.hasSuffix(".wasm") else {
                throw CommandError(
                    .usage, "there is no file or folder \"\(text)\"",
                    hint:
                        "name a .wasm file, a project's folder, or an image, as in localhost:5000/acme/add-header:v1"
                )
            }
            return .image(try context.place(text))
        }
    }
}

extension FilterProject {
    /// Builds the project for a command that shows what came of it.
    func build(
        checks: Bool, in context: CommandContext,
        configure: (inout BuildContext) -> Void = { _ in }, progress: @escaping @Sendable (String) -> Void
    ) async throws -> BuiltFilter {
        var build = BuildContext(
            environment: context.environment,
            catalog: try TemplateCatalog.find(environment: context.environment), progress: progress)
        configure(&build)
        return try await ProjectBuild(self).run(build, checks: checks)
    }
}
