// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
private import Diagnostics
private import Foundation
import Hub
import SystemPackage

/// Where the hub's data is.
struct DataOption: ParsableArguments {
    @Option(help: "The folder that everything is kept in. (default: $XDG_DATA_HOME/wasme-hub)")
    var data: String?

    /// The folder, whether it is there or not.
    func folder(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> FilePath {
        if let data { return Self.path(data) }
        // The specification of XDG says that a relative path is to be ignored.
        if let home = environment["XDG_DATA_HOME"], home.hasPrefix("/") {
            return FilePath(home).appending("wasme-hub")
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw HubError(
                .dataFolder, "no data folder: neither XDG_DATA_HOME nor HOME is set",
                hint: "name one with --data", category: .usage)
        }
        return FilePath(home).appending(".local/share/wasme-hub")
    }

    /// A path as people write it, from the root.
    static func path(_ text: String) -> FilePath {
        FilePath(URL(filePath: text).standardizedFileURL.path(percentEncoded: false))
    }
}
