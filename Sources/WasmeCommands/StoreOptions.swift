// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
private import Files
import OCILayout
import SystemPackage

/// Which local store a command works on.
package struct StoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The local image store, an OCI image layout (default: store in WASME_HOME or in the XDG data folder).",
            valueName: "dir"))
    package var store: String?

    package init() {}

    func open(in context: CommandContext) throws -> ImageStore {
        try ImageStore(try store.map { context.path($0) } ?? context.home().appending("store"))
    }
}
