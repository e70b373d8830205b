// SPDX-License-Identifier: Apache-2.0

/// How a program gets onto a machine.
package struct InstallAdvice: Sendable, Hashable {
    /// The packages that have it, where a system's own are good enough.
    package let packages: [PackageManager: [String]]
    /// What to do everywhere else: the official way, with its address.
    package let elsewhere: String

    package init(_ packages: [PackageManager: [String]] = [:], elsewhere: String) {
        self.packages = packages
        self.elsewhere = elsewhere
    }

    /// The command for a system, as it is typed; nil where its packages have none that will do.
    package func command(on system: HostSystem) -> [String]? {
        system.packageManager.flatMap { packages[$0] }.flatMap(system.installing)
    }

    /// What to do on a system, as part of a sentence: `run 'sudo apt-get install -y clang'`.
    package func sentence(on system: HostSystem) -> String {
        command(on: system).map { "run '\($0.joined(separator: " "))'" } ?? elsewhere
    }
}
