// SPDX-License-Identifier: Apache-2.0

package import OCI

/// An image as a host's fetcher meets it.
package struct ImageFacts: Sendable {
    package var document: ManifestDocument
    /// The paths in the last layer, if that is a tar that could be read; nil if nobody looked.
    package var lastLayerFiles: [String]?
    /// Bytes of the module, if known.
    package var moduleSize: Int64?

    package init(_ document: ManifestDocument, lastLayerFiles: [String]? = nil, moduleSize: Int64? = nil) {
        self.document = document
        self.lastLayerFiles = lastLayerFiles
        self.moduleSize = moduleSize
    }

    /// The file in a tar layer that is the module (solo-io/wasm, spec-compat.md "Specification").
    static let moduleFile = "plugin.wasm"

    /// Whether a path is the module's: its last component counts, in whatever folder.
    static func isModule(_ path: String) -> Bool {
        path.split(separator: "/").last.map(String.init) == moduleFile
    }
}
