// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// What a deployment is to write: a pure value, the same for a dry run, a difference and the real thing.
package struct DeploymentPlan: Hashable, Sendable {
    /// A file with its whole content.
    package struct File: Hashable, Sendable {
        /// An absolute path.
        package let path: FilePath
        package let bytes: [UInt8]
        /// Whether people can read it, as a bootstrap; a module is bytes.
        package let isText: Bool

        /// A file for people.
        package init(_ path: FilePath, text: String) {
            self.path = path
            self.bytes = Array(text.utf8)
            self.isText = true
        }

        /// A file for machines.
        package init(_ path: FilePath, bytes: [UInt8]) {
            self.path = path
            self.bytes = bytes
            self.isText = false
        }
    }

    /// What will be so once it is carried out, in one line.
    package let summary: String
    /// What to write, in this order: what others refer to comes first.
    package let files: [File]

    package init(summary: String, files: [File]) {
        self.summary = summary
        self.files = files
    }

    /// A plan for an Envoy that stands alone: the module, then the bootstrap that names it.
    /// - Parameters:
    ///   - filter: what to run; its `modulePath` is where the module goes.
    ///   - module: the module.
    ///   - bootstrap: the file to write.
    ///   - text: its content, as rendered or patched.
    /// - Returns: the plan; the module comes first.
    package static func envoy(
        _ filter: EnvoyFilter, module: [UInt8], bootstrap: FilePath, text: String
    ) -> DeploymentPlan {
        DeploymentPlan(
            summary: "envoy runs \"\(filter.id)\" (\(filter.digest)) with \"\(bootstrap)\"",
            files: [File(filter.modulePath, bytes: module), File(bootstrap, text: text)])
    }
}
