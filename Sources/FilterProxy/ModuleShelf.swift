// SPDX-License-Identifier: Apache-2.0

private import Deployment
private import Files
package import SystemPackage

/// The modules that an Envoy loads, in files that are named by their content: Envoy reads no name twice.
package struct ModuleShelf: Sendable {
    package let folder: FilePath

    /// Uses a folder that is there.
    package init(_ folder: FilePath) { self.folder = folder }

    /// Writes a module, if it is not there yet.
    /// - Returns: its file.
    package func put(_ module: [UInt8]) throws -> FilePath {
        let file = folder.appending(EnvoyFilter.moduleName(module))
        if Files.kind(file) == nil { try Files.replace(file, with: module) }
        return file
    }
}
