// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage

/// A file as it is and as it is to be: a pure value, so that it can be shown, carried out, and taken back.
package struct FileChange: Hashable, Sendable {
    /// An absolute path.
    package let path: FilePath
    /// Nil if there is none.
    package let before: [UInt8]?
    /// Nil if it is to go.
    package let after: [UInt8]?

    package init(_ path: FilePath, before: [UInt8]?, after: [UInt8]?) {
        self.path = path
        self.before = before
        self.after = after
    }

    package var kind: WrittenFile.Change {
        if before == after { return .unchanged }
        guard after != nil else { return .removed }
        return before == nil ? .created : .changed
    }

    /// Writes or removes the file.
    package func carryOut() throws { try put(after) }

    /// Brings back what was there.
    package func takeBack() throws { try put(before) }

    private func put(_ bytes: [UInt8]?) throws {
        guard kind != .unchanged else { return }
        guard let bytes else { return try Files.remove(path) }
        try DeploymentPlan(summary: "", files: [.init(path, bytes: bytes)]).write(to: .apply)
    }
}

extension [FileChange] {
    /// Adds changes that come later: each file is here once, as it was before the first and is after the last.
    package mutating func add(_ later: [FileChange]) {
        for change in later {
            guard let index = firstIndex(where: { $0.path == change.path }) else {
                append(change)
                continue
            }
            self[index] = FileChange(change.path, before: self[index].before, after: change.after)
        }
    }
}
