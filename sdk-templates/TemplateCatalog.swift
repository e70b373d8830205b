// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Where the project templates, the SDKs and the toolsets are on this machine.
///
/// The folder is looked for beside the executable and never through the package manager's own accessor, which ends the
/// process when the files were moved away.
package struct TemplateCatalog: Sendable, Hashable {
    /// The folder with `swift`, `toolsets` and so on.
    package let root: String

    /// The variable that names the folder.
    package static let variable = "WASME_TEMPLATES"

    /// Takes a folder that is known to be a catalog.
    package init(root: String) {
        self.root = root
    }

    /// Finds the catalog: `WASME_TEMPLATES`, else beside the executable as built, else as installed.
    /// - Parameters:
    ///   - environment: the variables to look at.
    ///   - executable: the running program; links in it are followed.
    /// - Returns: a folder that has been looked at.
    /// - Throws: where it was looked for.
    package static func locate(
        environment: [String: String], executable: String = "/proc/self/exe"
    ) throws(TemplateCatalogError) -> TemplateCatalog {
        if let folder = environment[variable], !folder.isEmpty {
            guard isCatalog(folder) else { throw .notACatalog(folder) }
            return TemplateCatalog(root: folder)
        }
        var tried: [String] = []
        if let program = realpath(executable, nil) {
            defer { free(program) }
            let path = String(cString: program)
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
            let above = folder.lastIndex(of: "/").map { String(folder[..<$0]) } ?? ""
            tried = ["\(folder)/wasme_WasmeTemplates.resources", "\(above)/share/wasme/templates"]
        }
        guard let found = tried.first(where: isCatalog) else { throw .notFound(tried) }
        return TemplateCatalog(root: found)
    }

    /// The path of something in the catalog.
    package func path(_ relative: String) -> String { "\(root)/\(relative)" }

    /// The toolset that makes SwiftPM build a Proxy-Wasm module.
    package var swiftToolset: String { path("toolsets/proxy-wasm.json") }

    /// The toolset of a module that keeps the names of functions and has what a debugger needs.
    package var swiftDebugToolset: String { path("toolsets/proxy-wasm-debug.json") }

    private static func isCatalog(_ folder: String) -> Bool {
        ["swift", "toolsets"].allSatisfy { name in
            var status = stat()
            return stat("\(folder)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
    }
}

/// Why there are no templates.
package enum TemplateCatalogError: Error, Hashable, CustomStringConvertible {
    case notACatalog(String)
    case notFound([String])

    package var description: String {
        switch self {
        case .notACatalog(let folder):
            "\(TemplateCatalog.variable) is \"\(folder)\", which is no folder with project templates"
        case .notFound(let tried):
            "the project templates are missing: \(tried.map { "\"\($0)\"" }.joined(separator: " and ")) do not exist"
        }
    }
}
