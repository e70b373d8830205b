// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport

/// A folder with docker's `config.json` and credential helpers, as shell scripts on the PATH of its environment.
struct DockerFolder {
    let scratch: ScratchDirectory

    /// - Parameters:
    ///   - json: the file's text; no file if nil.
    ///   - helpers: what each script does, by the helper's name.
    /// - Throws: `SystemError`.
    init(_ json: String?, helpers: [String: String] = [:]) throws {
        scratch = try ScratchDirectory("docker")
        if let json { try scratch.write("config.json", json) }
        for (name, script) in helpers {
            let path = try scratch.write("docker-credential-\(name)", "#!/bin/sh\n\(script)\n")
            chmod(path.string, 0o755)
        }
    }

    var environment: [String: String] {
        [
            "DOCKER_CONFIG": scratch.path.string, "HOME": scratch.path.string,
            "PATH": "\(scratch.path):/usr/bin:/bin",
        ]
    }

    var config: FilePath { scratch.appending("config.json") }

    /// The file as it is now.
    var json: NSDictionary {
        get throws {
            try JSONSerialization.jsonObject(with: Data(Files.read(config))) as? NSDictionary ?? [:]
        }
    }

    /// The permissions of a file in the folder.
    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: scratch.appending(name).string)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
    }
}
