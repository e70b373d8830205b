// SPDX-License-Identifier: Apache-2.0

package import Diagnostics

/// What can be wrong with a filter project, its template or its build.
package struct ProjectError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        private let name: String

        private init(_ name: String) { self.name = name }

        /// There is no `wasme.yaml` here or above.
        package static let noProject = Code("noProject")
        /// `wasme.yaml`, or another file of the project, says something that it may not say.
        package static let malformed = Code("malformed")
        /// A name that no filter may have.
        package static let invalidName = Code("invalidName")
        /// The folder for a new project holds something already.
        package static let folderNotEmpty = Code("folderNotEmpty")
        /// There is no such template, or none were installed.
        package static let noTemplate = Code("noTemplate")
        /// Where a template is cannot be reached.
        package static let unreachableTemplate = Code("unreachableTemplate")
        /// Who has a template does not let us in.
        package static let deniedTemplate = Code("deniedTemplate")
        /// A template is damaged.
        package static let damagedTemplate = Code("damagedTemplate")
        /// A program that builds filters is missing, too old or incomplete.
        package static let noToolchain = Code("noToolchain")
        /// The toolchain or the build command failed.
        package static let buildFailed = Code("buildFailed")
        /// What was built is no module that a proxy could load.
        package static let unusableModule = Code("unusableModule")
        /// A host that the project is for does not take the module.
        package static let refusedByTarget = Code("refusedByTarget")
        /// The example of the configuration breaks the rules of the project's own schema.
        package static let invalidExample = Code("invalidExample")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?
    package let hint: String?
    package let category: DiagnosticCategory

    init(_ code: Code, _ message: String, cause: (any Error)? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
        let isInput = [
            .noProject, .malformed, .invalidName, .noTemplate, .folderNotEmpty, .invalidExample,
        ].contains(code)
        category =
            switch code {
            case .unreachableTemplate: .unreachable
            case .deniedTemplate: .denied
            default: isInput ? .usage : .failed
            }
    }
}

/// A value in quotes, shortened if it is long.
func quoted(_ text: String) -> String {
    text.count > 80 ? "\"\(text.prefix(80))…\"" : "\"\(text)\""
}
