// SPDX-License-Identifier: Apache-2.0

private import Foundation
import Hub
import HubStorage
import SystemPackage

/// A data folder that a hub may be serving at the same time: only its database is opened.
enum HubFolder {
    static let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }

    /// Opens the database of a folder, which is made if it is not there.
    static func database(_ path: FilePath) async throws -> MetadataDatabase {
        try await MetadataDatabase(
            beside: path, policy: AccessPolicy(isOpen: false, allowsAnonymousPull: false), now: now)
    }

    /// Whether anybody could log in to a hub over this folder; makes nothing.
    static func hasUsers(_ path: FilePath) async throws -> Bool {
        guard FileManager.default.fileExists(atPath: path.appending("hub.sqlite").string) else {
            return false
        }
        let database = try await database(path)
        defer { try? database.leave() }
        return try await !database.hasNoUser()
    }

    /// Manages the accounts of a folder as whoever runs the hub.
    static func manage<Result>(
        _ path: FilePath, _ work: (Directory) async throws -> Result
    ) async throws -> Result {
        try await gatekeeper(path) { try await work($0.directory(for: .host)) }
    }

    /// Decides about the policies of a folder as whoever runs the hub.
    static func policies<Result>(
        _ path: FilePath, _ work: (any PolicyStore) async throws -> Result
    ) async throws -> Result {
        try makeFolder(path)
        let database = try await database(path)
        defer { try? database.leave() }
        return try await work(database.acting(for: .host))
    }

    private static func makeFolder(_ path: FilePath) throws {
        try FileManager.default.createDirectory(
            atPath: path.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    static func gatekeeper<Result>(
        _ path: FilePath, _ work: (Gatekeeper) async throws -> Result
    ) async throws -> Result {
        try makeFolder(path)
        let database = try await database(path)
        defer { try? database.leave() }
        return try await work(Gatekeeper(database, policy: database.access.policy, now: now))
    }
}
