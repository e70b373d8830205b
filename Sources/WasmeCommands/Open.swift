// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
private import Foundation
import OCI
import OCIRegistry

/// `wasme open`.
struct Open: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open the page of an image in a browser.",
        discussion: """
            A wasme-hub has a page for each image, with its README, versions and what it takes to install it.

            Examples:
              wasme open localhost:5000/acme/add-header
              wasme open localhost:5000/acme/add-header:v1 --print
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "ref"))
    var reference: String

    @Flag(help: "Print the page's address and open nothing.")
    var print = false

    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let reference = try context.completed(context.reference(reference))
        let client = try access.client(for: reference, in: context)
        let page = try await client.page(of: reference)
        if !print { try Browser.open(page, in: context) }
        try output.print(PageResult(page: page), in: context)
    }
}

/// Where the page of an image is.
private struct PageResult: CommandResult {
    let page: String

    var text: String { page }
    var brief: String { page }
}

/// The browser that the desktop has.
private enum Browser {
    private static let program = "xdg-open"

    /// Opens a page; returns as soon as the desktop has taken the request.
    static func open(_ page: String, in context: CommandContext) throws {
        let folders = (context.environment["PATH"] ?? "").split(separator: ":")
        let path = folders.map { "\($0)/\(program)" }.first(
            where: FileManager.default.isExecutableFile(atPath:))
        guard let path else {
            throw CommandError(
                .failed, "there is no program to open \(page) with",
                hint: "install \(program) (Debian's xdg-utils), or add --print and open the address yourself")
        }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = [page]
        process.environment = context.environment
        process.standardInput = FileHandle.nullDevice
        // What desktops say on the way is of no interest, and must not be taken for our answer.
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw CommandError(.failed, "cannot run \"\(path)\"", cause: error)
        }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CommandError(
                .failed, "\"\(path)\" could not open \(page)",
                hint: "add --print, and open the address yourself")
        }
    }
}
