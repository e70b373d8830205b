// SPDX-License-Identifier: Apache-2.0

import DevLoop
import Files
import FilterProject
import OCI
import SystemPackage

/// Waits for changes of a project that may change its module.
actor ProjectWatch {
    private let project: FilterProject
    private let watch: FolderWatch
    /// What the sources were when they changed last.
    private var seen: Digest?
    private var saved: Double

    init(_ project: FilterProject) throws {
        self.project = project
        watch = try FolderWatch(project)
        seen = try? BuildInputs(of: project).digest()
        saved = Files.now
    }

    /// Waits for the next change.
    /// - Returns: when its last file was saved, in seconds since 1970.
    func change() async throws -> Double {
        while true {
            try await watch.change()
            let inputs = BuildInputs(of: (try? FilterProject(root: project.root)) ?? project)
            let now = try? inputs.digest()
            let newest = (try? inputs.folders()).flatMap(Files.lastSaved)
            // What builds write, and a file that was saved as it was, changes nothing.
            guard now == nil || now != seen else { continue }
            let isUnread = now == nil && (newest ?? 0) <= saved
            guard !isUnread else { continue }
            seen = now
            defer { saved = Files.now }
            // A file that keeps an older time, as one that was moved here, tells nothing of when that happened.
            guard let newest, newest > saved, newest <= Files.now else { return Files.now }
            return newest
        }
    }
}

/// Waits for changes of one file, wherever it is.
struct FileWatch {
    private let path: FilePath
    private var seen: FileStamp?

    init(_ path: FilePath) {
        self.path = path
        seen = Files.stamp(path)
    }

    /// Waits for the next change.
    /// - Returns: when the file was saved, in seconds since 1970.
    mutating func change() async throws -> Double {
        while Files.stamp(path) == seen { try await Task.sleep(for: .milliseconds(25)) }
        // An editor may write in several steps.
        try await Task.sleep(for: .milliseconds(25))
        seen = Files.stamp(path)
        return Files.now - 0.05
    }
}
