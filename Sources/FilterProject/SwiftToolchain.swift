// SPDX-License-Identifier: Apache-2.0

private import Files
private import JSON
package import SystemPackage

/// A Swift toolchain that can build modules: recent enough, with the Embedded standard library for bare wasm32.
package struct SwiftToolchain: Sendable, Hashable {
    /// The `swift` command, with its version.
    package let tool: FoundTool
    /// Linked into every module: the tables that `String` needs.
    ///
    /// Nil if the toolchain has none.
    package let unicodeTables: FilePath?

    package var swift: FilePath { tool.path }
    /// As in "6.3.1".
    package var version: String { tool.version?.description ?? "" }

    /// The triple of a Proxy-Wasm module: no system, no C library.
    package static let triple = "wasm32-unknown-none-wasm"
    /// The variable that names the `swift` command.
    package static let variable = "WASME_SWIFT"

    static let advice = "install a toolchain from https://www.swift.org/install, 6.3 or later"

    /// Finds the toolchain: `WASME_SWIFT`, else the project's `build.swift`, else PATH.
    /// - Parameters:
    ///   - option: the project's own choice.
    ///   - surroundings: where to look.
    /// - Returns: a toolchain that has been looked at.
    /// - Throws: `ProjectError` that says what is missing and what to install.
    package static func find(
        option: String? = nil, in surroundings: ToolSurroundings
    ) async throws -> SwiftToolchain {
        let tool = try await LanguageTool.swift.find(in: surroundings, option: option)
        let tables = embeddedLibrary(tool)?.appending("libswiftUnicodeDataTables.a")
        return SwiftToolchain(
            tool: tool, unicodeTables: tables.flatMap { Files.kind($0) == .file ? $0 : nil })
    }

    /// Where the Embedded standard library is, by what the compiler says of itself.
    static func embeddedLibrary(_ tool: FoundTool) -> FilePath? {
        guard let info = try? JSONValue(parsing: tool.answer),
            let resources = info.object?["paths"]?.object?["runtimeResourcePath"]?.string
        else { return nil }
        let library = FilePath(resources).appending("embedded").appending(triple)
        return Files.kind(library) == .directory ? library : nil
    }
}
