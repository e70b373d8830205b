// SPDX-License-Identifier: Apache-2.0

extension LanguageTool {
    /// Fetches templates, and says which commit an image was built from.
    package static let versionControl = LanguageTool(
        "git", programs: ["git"], variable: "WASME_GIT",
        purpose: "fetches templates and tells images which commit they are of",
        install: InstallAdvice(
            [.apt: ["git"], .dnf: ["git"], .apk: ["git"], .pacman: ["git"], .brew: ["git"]],
            elsewhere: "install it from https://git-scm.com"),
        isOptional: true)
}
