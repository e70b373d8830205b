// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
package import ImageTransfer
package import OCI
import OCILayout
package import OCIRegistry
package import SystemPackage

/// Everything a command takes from its surroundings, read once at the start.
package struct CommandContext: Sendable {
    /// The folder that relative paths start from.
    package var workingDirectory: FilePath
    package var environment: [String: String]
    package var terminal: Terminal
    /// How requests are sent; made when the first one is.
    package var makeTransport: @Sendable () -> any HTTPTransport
    /// Secrets that were asked for.
    let secrets = SecretInput()

    package init(
        workingDirectory: FilePath, environment: [String: String], terminal: Terminal,
        makeTransport: @escaping @Sendable () -> any HTTPTransport
    ) {
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.terminal = terminal
        self.makeTransport = makeTransport
    }

    /// A path as the user wrote it, made absolute.
    package func path(_ text: String) -> FilePath {
        if text == "~" || text.hasPrefix("~/"), let home = environment["HOME"] {
            return FilePath(home).pushing(FilePath(String(text.dropFirst(2)))).lexicallyNormalized()
        }
        return workingDirectory.pushing(FilePath(text)).lexicallyNormalized()
    }

    /// The folder for what wasme keeps: `WASME_HOME`, else `wasme` below the XDG data folder.
    package func home() throws -> FilePath {
        if let home = environment["WASME_HOME"], !home.isEmpty { return path(home) }
        if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") {
            return FilePath(data).appending("wasme")
        }
        guard let home = environment["HOME"], !home.isEmpty else {
            throw CommandError(
                .usage,
                "there is no folder for wasme's files: neither WASME_HOME, XDG_DATA_HOME nor HOME is set",
                hint: "set WASME_HOME to a folder of your own")
        }
        return path(home).pushing(".local/share/wasme")
    }

    /// A filter's configuration as the user wrote it: the JSON itself, or `@` and a file with it.
    func configuration(_ argument: String) throws -> String {
        guard argument.hasPrefix("@") else { return argument }
        let path = path(String(argument.dropFirst()))
        guard let text = String(validating: try Files.read(path, limit: 16 << 20), as: UTF8.self) else {
            throw CommandError(.usage, "\"\(path)\" is not UTF-8 text", hint: "name a file with JSON")
        }
        return text
    }

    /// A reference as the user wrote it.
    package func reference(_ text: String) throws -> Reference {
        do {
            return try Reference(text)
        } catch {
            throw CommandError(
                .usage, "\"\(text)\" is not an image reference: \(error)",
                hint: "write [host[:port]/]path[:tag][@digest], as in localhost:5000/acme/add-header:v1")
        }
    }

    /// The place of an image as the user wrote it.
    package func place(_ text: String) throws -> ImagePlace {
        do {
            return try ImagePlace(text)
        } catch {
            throw CommandError(
                .usage, "\"\(text)\" is not the place of an image: \(error)",
                hint: "write [host[:port]/]path[:tag][@digest], oci:DIR[:NAME] or oci-archive:FILE[:NAME]")
        }
    }

    /// A new name for an image.
    package func newName(_ text: String) throws -> Reference {
        let reference = try reference(text)
        guard reference.digest == nil else {
            throw CommandError(
                .usage, "\"\(reference)\" cannot be a new name: a digest follows from the content",
                hint: "leave out the part from @ on")
        }
        return reference
    }

    /// A name for a registry: one without a host gets that of `WASM_IMAGE_REGISTRY`, if that is set.
    package func completed(_ reference: Reference) throws -> Reference {
        guard reference.registry == nil, let host = environment["WASM_IMAGE_REGISTRY"], !host.isEmpty else {
            return reference
        }
        var reference = reference
        do {
            reference.registry = try RegistryHost(host)
        } catch {
            throw CommandError(
                .usage, "WASM_IMAGE_REGISTRY is \"\(host)\": \(error)", hint: "write host or host:port")
        }
        return reference
    }
}
