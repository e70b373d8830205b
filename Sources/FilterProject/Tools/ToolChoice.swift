// SPDX-License-Identifier: Apache-2.0

/// Several tools of which a build takes the first that can be used.
package struct ToolChoice: Sendable {
    /// What they are, for people: "C++ compiler".
    package let name: String
    /// What one of them has to be: "a C++ compiler with a library for WebAssembly".
    package let purpose: String
    /// The best first.
    package let tools: [LanguageTool]
    /// What installs one of them.
    package let install: InstallAdvice

    package init(_ name: String, purpose: String, tools: [LanguageTool], install: InstallAdvice) {
        self.name = name
        self.purpose = purpose
        self.tools = tools
        self.install = install
    }

    /// What is missing if none can be used.
    package var fault: String {
        "there is no \(purpose): \(tools.dropLast().map(\.name).joined(separator: ", ")) or \(tools.last?.name ?? "")"
    }
}
