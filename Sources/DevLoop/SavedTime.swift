// SPDX-License-Identifier: Apache-2.0

package import Files
private import Foundation
package import SystemPackage

extension Files {
    /// Seconds since 1970.
    package static var now: Double { Date().timeIntervalSince1970 }

    /// When the newest file of some folders was saved, in seconds since 1970; nil if there is none.
    package static func lastSaved(in folders: [FilePath]) -> Double? {
        folders.flatMap { folder in
            ((try? contents(folder)) ?? []).compactMap { name -> Double? in
                let path = folder.appending(name)
                return kind(path) == .file ? modified(path) : nil
            }
        }.max()
    }
}
