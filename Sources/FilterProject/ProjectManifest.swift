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
    /// What the filter may cost.
    package let budget: Budget

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

    /// A project without a `wasme.yaml`, of which only this is known.
    init(name: FilterName, language: String, rootIDs: [String], build: Build = Build()) {
        self.name = name
        self.language = language
        version = nil
        description = nil
        licence = nil
        icon = nil
        module = Module(rootIDs: rootIDs, type: .http)
        self.build = build
        config = Config()
        targets = []
        budget = Budget()
    }

    /// How the module is built, where the driver's own way does not do.
    package struct Build: Sendable, Hashable {
        /// A command and its arguments, run in the project's folder instead of a driver.
        package var command: [String] = []
        /// Where the command leaves the module, relative to the project.
        package var output: String?
        /// What the command reads, relative to the project; while it is unchanged the command is not run.
        ///
        /// Empty if that is not said: the command then runs each time.
        package var inputs: [String] = []
        /// The `swift` to build with: a name that is looked for in PATH, or a path.
        package var swift: String?
        /// The product of the Swift package that is the module.
        package var product: String?
        /// The module of a project whose language is `precompiled`, relative to the project.
        package var module: String?
        /// Variables that the build gets beside the usual ones: with a value, or as they are outside.
        package var environment: [String: String?] = [:]
        /// What `wasm-opt` is run with over the module; empty to leave it alone.
        package var optimize: [String] = []
        /// What is taken out of the module.
        package var strip: Set<ModulePart> = []
    }

    /// What the filter's configuration looks like.
    package struct Config: Sendable, Hashable {
        /// The file with the JSON schema, relative to the project.
        package var schema: String?
        /// A configuration that shows the filter at work.
        package var example: JSONValue?
    }
}
