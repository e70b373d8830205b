// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// What a build will do: the tools that were found, the commands, and where the module will be.
///
/// A driver makes it without building; the framework runs it, shows and scans the output, and knows from the tools
/// whether the last build is still good.
package struct BuildPlan: Sendable {
    /// What is built, for people: the name of the product.
    package let product: String
    /// The tools that it uses; a change of one builds anew.
    package var tools: [FoundTool]
    /// Run one after the other; the first that fails ends the build.
    package var steps: [BuildStep]
    /// Where the module will be.
    package var module: FilePath
    /// Files and folders outside the project that the build reads; nil if they cannot be known, and then the toolchain
    /// runs each time and finds out itself what has changed.
    package var outside: [FilePath]? = []
    /// What the module depends on beside tools, commands and files: settings, each as a text.
    package var settings: [String] = []
    /// Whether a link that leads the module out of the project is refused.
    package var isConfined = false
    /// Done before the first command.
    package var prepare: (@Sendable () throws -> Void)?
    /// Asked when it is not there, for a toolchain that may put it elsewhere.
    package var elsewhere: (@Sendable () async throws -> FilePath?)?
    /// What to say when there is no module.
    package var missingModuleHint: String?

    package init(
        product: String, tools: [FoundTool], steps: [BuildStep], module: FilePath,
        missingModuleHint: String? = nil
    ) {
        self.product = product
        self.tools = tools
        self.steps = steps
        self.module = module
        self.missingModuleHint = missingModuleHint
    }
}

/// One command of a build.
package struct BuildStep: Sendable {
    /// What errors call it: "swift build", "cargo build".
    package let name: String
    package let program: FilePath
    package let arguments: [String]
    /// Set for this command, over what every command of the build has.
    package var environment: [String: String]
    /// Where it runs; nil for the project's folder.
    package var folder: FilePath?

    package init(
        _ name: String, _ program: FilePath, _ arguments: [String], environment: [String: String] = [:],
        folder: FilePath? = nil
    ) {
        self.name = name
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.folder = folder
    }
}

/// What a build is for.
package enum BuildConfiguration: String, Sendable, Hashable, CaseIterable {
    /// Small and fast.
    case release
    /// Keeps the names of functions and what a debugger needs.
    case debug
}
