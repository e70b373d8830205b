// SPDX-License-Identifier: Apache-2.0

/// The variables that a toolchain is run with: those that every program needs, and those that somebody declared.
///
/// Nothing else of the caller's environment reaches it, so that a build does the same for everybody.
package struct BuildEnvironment: Sendable, Hashable {
    /// What the toolchain gets.
    package let variables: [String: String]
    /// The part of it that the module may depend on.
    package let inputs: [String: String]

    /// Chooses what is passed on.
    /// - Parameters:
    ///   - environment: all that is there.
    ///   - language: its toolchain's variables are passed on.
    ///   - declared: the manifest's own; one without a value is passed on.
    package init(
        _ environment: [String: String], language: Language? = nil, declared: [String: String?] = [:]
    ) {
        var inputs = environment.filter { name, _ in
            language?.variables.contains { Self.matches(name, $0) } ?? false
        }
        for (name, value) in declared { inputs[name] = value ?? environment[name] }
        // Compilers that write a time into what they make take this one (reproducible-builds.org/specs).
        inputs["SOURCE_DATE_EPOCH"] =
            inputs["SOURCE_DATE_EPOCH"] ?? environment["SOURCE_DATE_EPOCH"] ?? Self.epoch
        self.inputs = inputs
        variables = environment.filter { name, _ in Self.usual.contains { Self.matches(name, $0) } }
            .merging(inputs) { $1 }
    }

    /// 1980: the earliest time that every archive format can hold.
    private static let epoch = "315532800"

    /// What programs need to run at all, to talk to people and to fetch packages.
    private static let usual = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TMP", "TEMP", "LANG", "LANGUAGE", "LC_*",
        "TZ", "TERM", "COLORTERM", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES",
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DEVELOPER_DIR", "SDKROOT", "XDG_*", "SSH_AUTH_SOCK",
        "SSL_CERT_FILE", "SSL_CERT_DIR",
        "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
        "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY",
    ]

    private static func matches(_ name: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
    }
}
