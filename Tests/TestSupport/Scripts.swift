// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage

extension ScratchDirectory {
    /// Writes a program for the shell, which stands in for another one.
    /// - Parameters:
    ///   - name: of the file.
    ///   - script: what it does.
    /// - Returns: where it is.
    /// - Throws: `SystemError`.
    package func program(_ name: String, _ script: String) throws -> FilePath {
        let file = appending(name)
        try Files.replace(
            file, with: Array("#!/bin/sh\n\(script)\n".utf8), permissions: [.ownerReadWriteExecute])
        return file
    }
}
