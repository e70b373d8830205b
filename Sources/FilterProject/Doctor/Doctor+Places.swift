// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

extension Doctor {
    /// Whether images can be put into the store; nothing is made to find out.
    package func examine(store folder: FilePath) -> Diagnosis {
        var place = folder
        while Files.kind(place) == nil, place.removeLastComponent() {}
        let advice = "make it writable, or name another folder with WASME_HOME"
        guard Files.kind(place) == .directory else {
            return Diagnosis(
                .fault, "store", "\"\(place)\" is a file, and images are to lie in \"\(folder)\"",
                advice: "name another folder with WASME_HOME", path: folder.string)
        }
        guard access(place.string, W_OK | X_OK) == 0 else {
            return Diagnosis(
                .fault, "store", "\"\(place)\" cannot be written to", advice: advice, path: folder.string)
        }
        let isThere = place == folder
        return Diagnosis(
            .ok, "store", isThere ? "\(folder)" : "\(folder), made when the first image comes",
            path: folder.string)
    }

    /// Whether programs that are named somewhere are there.
    package func examine(helpers names: [String], namedIn file: FilePath) -> [Diagnosis] {
        names.map { name in
            guard let path = program(name) else {
                return Diagnosis(
                    .warning, name,
                    "it is not in PATH, and \"\(file)\" names it: its registries have no credentials",
                    advice: "install it, or take it out of credsStore and credHelpers and run 'wasme login'")
            }
            return Diagnosis(.ok, name, "keeps the credentials of \"\(file)\"", path: path.string)
        }
    }
}
