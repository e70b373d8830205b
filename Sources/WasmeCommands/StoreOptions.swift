// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Diagnostics
private import Files
import OCI
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

extension CommandContext {
    /// A name for the local store, as the user wrote it: nothing completes it.
    func storedReference(_ text: String) throws -> Reference {
        do {
            return try Reference(text.hasPrefix("store:") ? String(text.dropFirst(6)) : text)
        } catch {
            throw CommandError(
                .usage, "\"\(text)\" is not an image reference: \(error)",
                hint:
                    "write [host[:port]/]path[:tag][@digest], or the beginning of a digest, as in sha256:3f2a"
            )
        }
    }

    /// The same for an image that is to be there: where nothing has the bare name, `WASM_IMAGE_REGISTRY` completes it.
    func storedReference(_ text: String, in store: ImageStore) throws -> Reference {
        let bare = try storedReference(text)
        guard bare.registry == nil, !text.hasPrefix("store:"), (try? store.resolve(bare)) == nil else {
            return bare
        }
        let completed = try reference(text)
        return (try? store.resolve(completed)) == nil ? bare : completed
    }
}
