// SPDX-License-Identifier: Apache-2.0

extension LanguageTool {
    /// Fetches templates and the C++ SDK, and says which commit an image was built from.
    package static let git = LanguageTool(
        "git", programs: ["git"], variable: "WASME_GIT",
        purpose: "fetches templates and the C++ SDK, and tells images which commit they are of",
        install: InstallAdvice(
            [.apt: ["git"], .dnf: ["git"], .apk: ["git"], .pacman: ["git"], .brew: ["git"]],
            elsewhere: "install it from https://git-scm.com"),
        isOptional: true)
}
