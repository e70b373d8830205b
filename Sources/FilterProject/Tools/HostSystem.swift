// SPDX-License-Identifier: Apache-2.0

private import Files
private import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// How programs are installed on a kind of system.
package enum PackageManager: String, Sendable, Hashable, CaseIterable {
    /// Debian, Ubuntu and their kin.
    case apt
    /// Fedora, Red Hat and their kin.
    case dnf
    /// Alpine.
    case apk
    /// Arch and its kin.
    case pacman
    /// macOS, by Homebrew.
    case brew

    /// What comes before the names of packages.
    package var command: [String] {
        switch self {
        case .apt: ["apt-get", "install", "-y"]
        case .dnf: ["dnf", "install", "-y"]
        case .apk: ["apk", "add"]
        case .pacman: ["pacman", "-S", "--needed"]
        case .brew: ["brew", "install"]
        }
    }
}

/// The system that wasme runs on, as far as advice depends on it.
package struct HostSystem: Sendable, Hashable {
    /// As it calls itself, as in "Debian GNU/Linux 12 (bookworm)".
    package let name: String
    /// Nil on a system whose packages we do not know.
    package let packageManager: PackageManager?
    /// Whether packages can be installed without asking for more rights.
    package let isAdministrator: Bool

    package init(name: String, packageManager: PackageManager?, isAdministrator: Bool = false) {
        self.name = name
        self.packageManager = packageManager
        self.isAdministrator = isAdministrator
    }

    /// Reads an `os-release` file (os-release(5)): `ID`, and `ID_LIKE` for what it is akin to.
    package init(osRelease text: String, isAdministrator: Bool = false) {
        var values: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let value = line[line.index(after: equals)...]
            values[line[..<equals]] = String(value.filter { $0 != "\"" && $0 != "'" })
        }
        let kinds = ([values["ID"] ?? ""] + (values["ID_LIKE"] ?? "").split(separator: " ").map(String.init))
        let managers = kinds.lazy.compactMap { Self.managers[$0] }
        self.init(
            name: values["PRETTY_NAME"] ?? values["NAME"] ?? "this system", packageManager: managers.first,
            isAdministrator: isAdministrator)
    }

    private static let managers: [String: PackageManager] = [
        "debian": .apt, "ubuntu": .apt, "fedora": .dnf, "rhel": .dnf, "centos": .dnf, "alpine": .apk,
        "arch": .pacman,
    ]

    /// The system that this process runs on.
    package static let current: HostSystem = {
        #if canImport(Darwin)
            return HostSystem(name: "macOS", packageManager: .brew)
        #else
            let isAdministrator = geteuid() == 0
            for file in ["/etc/os-release", "/usr/lib/os-release"] {
                guard let bytes = try? Files.read(FilePath(file), limit: 64 << 10) else { continue }
                return HostSystem(
                    osRelease: String(decoding: bytes, as: UTF8.self), isAdministrator: isAdministrator)
            }
            return HostSystem(name: "this system", packageManager: nil, isAdministrator: isAdministrator)
        #endif
    }()

    /// The command that installs packages here; nil where none are known.
    package func installing(_ packages: [String]) -> [String]? {
        guard let packageManager, !packages.isEmpty else { return nil }
        let prefix = isAdministrator || packageManager == .brew ? [] : ["sudo"]
        return prefix + packageManager.command + packages
    }
}
