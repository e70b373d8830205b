// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
package import Testing

/// Compares a text with a file below `Tests/Goldens`.
///
/// Where they differ, the text is written beside the file as `.actual`; `WASME_RECORD=1` makes it the file instead.
package func expectGolden(
    _ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let path = goldens.pushing(FilePath(name))
    let actual = FilePath(path.string + ".actual")
    if isRecordingGoldens {
        try Files.createDirectory(path.removingLastComponent())
        try Files.replace(path, with: Array(text.utf8))
        return
    }
    let expected = Files.kind(path) == nil ? nil : String(decoding: try Files.read(path), as: UTF8.self)
    guard expected != text else {
        try Files.remove(actual)
        return
    }
    try Files.replace(actual, with: Array(text.utf8))
    Issue.record(
        "differs from \(path): compare it with \(actual), or set WASME_RECORD=1 to accept it",
        sourceLocation: sourceLocation)
}

/// The text of a file below `Tests/Goldens`.
package func golden(_ name: String) throws -> String {
    String(decoding: try Files.read(goldens.pushing(FilePath(name))), as: UTF8.self)
}

/// Whether files below `Tests/Goldens` are written rather than compared with.
package let isRecordingGoldens = ProcessInfo.processInfo.environment["WASME_RECORD"] == "1"

private let goldens = repositoryRoot.appending("Tests").appending("Goldens")
