// SPDX-License-Identifier: Apache-2.0

private import Files
private import JSON
package import SystemPackage

/// A Swift toolchain that can build modules: recent enough, with the Embedded standard library for bare wasm32.
package struct SwiftToolchain: Sendable, Hashable {
    /// The `swift` command.
    package let swift: FilePath
    /// As in "6.3.1".
    package let version: String
    /// Linked into every module: the tables that `String` needs.
    ///
    /// Nil if the toolchain has none.
    package let unicodeTables: FilePath?

    /// The triple of a Proxy-Wasm module: no system, no C library.
    package static let triple = "wasm32-unknown-none-wasm"
    /// The oldest release that has what is needed.
    package static let minimumVersion = (major: 6, minor: 2)
    /// The variable that names the `swift` command.
    package static let variable = "WASME_SWIFT"

    private static let advice = "install a toolchain from https://www.swift.org/install, 6.3 or later"

    /// Finds the toolchain: `WASME_SWIFT`, else the project's `build.swift`, else PATH.
    /// - Parameters:
    ///   - option: the project's own choice.
    ///   - environment: the variables to look at, PATH among them.
    ///   - folder: what a relative path starts from.
    /// - Returns: a toolchain that has been looked at.
    /// - Throws: `ProjectError` that says what is missing and what to install.
    package static func find(
        option: String? = nil, environment: [String: String], in folder: FilePath
    ) async throws -> SwiftToolchain {
        let variable = environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        let name = variable ?? option ?? "swift"
        guard let swift = ToolProcess.find(name, environment: environment, relativeTo: folder) else {
            if let variable {
                throw ProjectError(
                    .noToolchain, "\(Self.variable) is \(quoted(variable)), which is no program",
                    hint: "set it to the swift command of a toolchain, or unset it to use the one in PATH")
            }
            throw ProjectError(
                .noToolchain, "cannot build: there is no \(quoted(name)) in PATH",
                hint: "\(advice), or set \(Self.variable) to its swift command")
        }
        let compiler = swift.removingLastComponent().appending("swiftc")
        guard Files.kind(compiler) == .file else {
            throw ProjectError(
                .noToolchain, "cannot build: there is no swiftc beside \"\(swift)\"", hint: Self.advice)
        }
        let answer = try await ToolProcess.capture(
            compiler, ["-print-target-info", "-target", triple], environment: environment, in: folder)
        let version = try await version(answer, of: compiler, environment: environment, in: folder)
        let numbers = version.split(separator: ".").compactMap { Int($0) }
        guard numbers.count >= 2, (numbers[0], numbers[1]) >= minimumVersion else {
            throw ProjectError(
                .noToolchain,
                "cannot build: \"\(swift)\" is Swift \(version), and filters need \(minimumVersion.major).\(minimumVersion.minor) or later",
                hint: "\(advice), or set \(Self.variable) to the swift command of a newer one")
        }
        guard let library = embeddedLibrary(answer) else {
            throw ProjectError(
                .noToolchain,
                "cannot build: the toolchain of \"\(swift)\" (Swift \(version)) lacks the Embedded standard library for \(triple)",
                hint: "\(advice); those of some Linux distributions leave it out")
        }
        let tables = library.appending("libswiftUnicodeDataTables.a")
        return SwiftToolchain(
            swift: swift, version: version, unicodeTables: Files.kind(tables) == .file ? tables : nil)
    }

    /// The version out of "Swift version 6.3.1 (swift-6.3.1-RELEASE)".
    private static func version(
        _ targetInfo: ToolProcess.Captured, of compiler: FilePath, environment: [String: String],
        in folder: FilePath
    ) async throws -> String {
        var text = json(targetInfo)?.object?["compilerVersion"]?.string ?? ""
        if text.isEmpty {
            // Compilers that do not know the triple print no JSON.
            text = try await ToolProcess.capture(
                compiler, ["--version"], environment: environment, in: folder
            )
            .stdout
        }
        let words = text.split { $0 == " " || $0 == "\n" }
        let version = words.firstIndex(of: "version").flatMap { place in
            words[place...].dropFirst().first?.prefix { $0.isNumber || $0 == "." }
        }
        guard let version, !version.isEmpty else {
            throw ProjectError(
                .noToolchain, "cannot build: \"\(compiler)\" does not say its version",
                hint: "run '\(compiler) --version' to see what is wrong with it")
        }
        return String(version)
    }

    private static func embeddedLibrary(_ targetInfo: ToolProcess.Captured) -> FilePath? {
        guard let resources = json(targetInfo)?.object?["paths"]?.object?["runtimeResourcePath"]?.string
        else {
            return nil
        }
        let library = FilePath(resources).appending("embedded").appending(triple)
        return Files.kind(library) == .directory ? library : nil
    }

    private static func json(_ answer: ToolProcess.Captured) -> JSONValue? {
        guard answer.succeeded else { return nil }
        do { return try JSONValue(parsing: answer.stdout) } catch { return nil }
    }
}
