// SPDX-License-Identifier: Apache-2.0

package import YAML

extension YAMLNode {
    /// Reads a file of a project, which is one YAML document.
    /// - Parameters:
    ///   - yaml: the text.
    ///   - file: what errors call it.
    /// - Throws: `ProjectError` that names file, line and column.
    package init(parsing yaml: String, file: String) throws(ProjectError) {
        do {
            self = try YAMLNode.document(yaml, file: file)
        } catch {
            throw ProjectError(.malformed, error.message, cause: error.cause)
        }
    }
}
