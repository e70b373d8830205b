// SPDX-License-Identifier: Apache-2.0

import Files
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

/// The folder of the local store as the real command line meets it.
@Suite struct StoreFolderTests {
    /// A store with one image, and a newcomer beside it.
    private func newcomer() async throws -> (Newcomer, FilePath) {
        let newcomer = try Newcomer()
        let store = try ImageStore(newcomer.scratch.appending("store"))
        try await store.ingest { ingest in
            let config = try ingest.add(Array("{}".utf8), mediaType: .emptyJSON)
            try ingest.commit(
                try ManifestDocument(Manifest(config: config, layers: [])), as: [try Reference("x:v1")])
        }
        return (newcomer, store.root)
    }

    /// Runs `wasme` where one folder is a mount of its own that nobody else sees.
    private func wasme(
        _ arguments: [String], _ newcomer: Newcomer, mount: String
    ) async throws -> ProcessOutcome {
        let outcome = try await run(
            try #require(Tool.unshare.path),
            Tool.privateMount + [
                "sh", "-c", "{ \(mount); } || exit 99; exec \"$0\" \"$@\"",
                buildFolder.appending("wasme").string,
            ] + arguments, environment: newcomer.environment, in: newcomer.scratch.path)
        try #require(outcome.status != 99, "nothing can be mounted here: \(outcome.stderr)")
        return outcome
    }

    @Test(.requires(.unshare))
    func `a store that cannot be written is listed, and every change says why not`()
        async throws
    {
        let (newcomer, store) = try await newcomer()
        let mount = "mount --bind '\(store)' '\(store)' && mount -o remount,bind,ro '\(store)'"
        let options = ["--store", store.string]
        let listed = try await wasme(["list"] + options, newcomer, mount: mount)
        #expect(listed.status == 0 && listed.stdout.contains("x     v1"), "\(listed.stdout)\(listed.stderr)")
        for arguments in [["tag", "x:v1", "x:v2"], ["rm", "x:v1"], ["prune"]] {
            let outcome = try await wasme(arguments + options, newcomer, mount: mount)
            #expect(outcome.status == 1)
            #expect(outcome.stderr.contains("read-only file system"), "\(outcome.stderr)")
            #expect(outcome.stderr.contains(store.string))
        }
    }

    @Test(.requires(.unshare)) func `on a full disk a change fails and the store stays what it was`()
        async throws
    {
        let (newcomer, store) = try await newcomer()
        let disk = newcomer.scratch.appending("disk")
        try Files.createDirectory(disk)
        // The store on a file system that is full to the last page.
        let mount = """
            mount -t tmpfs -o size=128k tmpfs '\(disk)' && cp -r '\(store)' '\(disk)/store' \
            && { cat /dev/zero > '\(disk)/rest' 2>/dev/null || true; }
            """
        let after = "wasme list --store '\(disk)/store' && wasme rm x:v1 --store '\(disk)/store'"
        let script =
            "{ \(mount); } || exit 99; PATH='\(buildFolder)':$PATH; "
            + "wasme tag x:v1 x:v2 --store '\(disk)/store' && exit 98; \(after)"
        let outcome = try await run(
            try #require(Tool.unshare.path), Tool.privateMount + ["sh", "-c", script],
            environment: newcomer.environment)
        try #require(outcome.status != 99, "no tmpfs can be mounted here")
        #expect(outcome.stderr.contains("no space left on device"), "\(outcome.stderr)")
        #expect(outcome.stdout.contains("x     v1"), "\(outcome.stdout)")
        #expect(!outcome.stdout.contains("v2"))
    }
}
