// SPDX-License-Identifier: Apache-2.0

/// One thing that the doctor looked at, and how it is.
package struct Diagnosis: Sendable, Hashable, Encodable {
    /// How bad it is.
    package enum Level: String, Sendable, Hashable, Encodable {
        /// As it should be.
        case ok
        /// Worth knowing, and no reason to do anything.
        case note
        /// Something that will go wrong some day, or for some.
        case warning
        /// What it is needed for does not work.
        case fault
    }

    package let level: Level
    /// What was looked at, as in "cargo".
    package let subject: String
    /// How it is, one line.
    package let message: String
    /// What to do, one line.
    package var advice: String?
    package var version: String?
    package var path: String?
    /// The command that mends it, if it is one that harms nothing: never one that changes the system.
    package var fix: [String]?
    /// What installs it, by package manager, and "other" for what is done elsewhere.
    package var install: [String: String]?

    package init(
        _ level: Level, _ subject: String, _ message: String, advice: String? = nil, version: String? = nil,
        path: String? = nil, fix: [String]? = nil, install: [String: String]? = nil
    ) {
        self.level = level
        self.subject = subject
        self.message = message
        self.advice = advice
        self.version = version
        self.path = path
        self.fix = fix
        self.install = install
    }
}

/// How a language is on this machine.
package struct LanguageDiagnosis: Sendable, Hashable, Encodable {
    /// As it stands in wasme.yaml.
    package let name: String
    package let title: String
    /// Whether a project of it can be built here, as far as the tools say.
    package let canBuild: Bool
    package let findings: [Diagnosis]
    /// What many stumble over, by name.
    package let traps: [Trap]

    /// A known trap of the language.
    package struct Trap: Sendable, Hashable, Encodable {
        package let name: String
        package let message: String
        package let advice: String
    }
}

extension InstallAdvice {
    /// For every system that is known.
    package var everywhere: [String: String] {
        var all = ["other": elsewhere]
        for manager in PackageManager.allCases {
            guard let packages = packages[manager] else { continue }
            let prefix = manager == .brew ? [] : ["sudo"]
            all[manager.rawValue] = (prefix + manager.command + packages).joined(separator: " ")
        }
        return all
    }
}
