// SPDX-License-Identifier: Apache-2.0

package import HostProfiles
package import JSON

/// What a project's `wasme.yaml` says.
package struct ProjectManifest: Sendable {
    /// The default name of the image.
    package let name: FilterName
    /// The language of the sources; chooses the build driver.
    package let language: String
    package let version: String?
    package let description: String?
    /// An SPDX licence expression.
    package let licence: String?
    /// The file with the filter's picture, relative to the project.
    package let icon: String?
    package let module: Module
    package let build: Build
    package let config: Config
    /// The hosts that build and check hold the module against.
    package let targets: [HostTarget]

    /// What the module offers; its ABI is read from the module itself.
    package struct Module: Sendable, Hashable {
        /// The names by which a host asks for the module's plugins, the usual one first.
        package let rootIDs: [String]
        package let type: FilterType
    }

    /// What part of a proxy the filter works in.
    package enum FilterType: String, Sendable, Hashable, CaseIterable {
        case http
        case network
    }

    /// How the module is built, where the driver's own way does not do.
    package struct Build: Sendable, Hashable {
        /// A command and its arguments, run in the project's folder instead of a driver.
        package var command: [String] = []
        /// Where the command leaves the module, relative to the project.
        package var output: String?
        /// The `swift` to build with: a name that is looked for in PATH, or a path.
        package var swift: String?
        /// The product of the Swift package that is the module.
        package var product: String?
    }

    /// What the filter's configuration looks like.
    package struct Config: Sendable, Hashable {
        /// The file with the JSON schema, relative to the project.
        package var schema: String?
        /// A configuration that shows the filter at work.
        package var example: JSONValue?
    }
}
