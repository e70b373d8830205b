// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage

/// A language that a folder's files speak for.
package struct RecognisedLanguage: Sendable {
    package let language: Language
    /// The file that says so, relative to the folder.
    package let file: String
}

extension Language {
    /// Finds the languages that a folder's files speak for.
    ///
    /// Where the file of a build system is, source files do not count: a Rust project may have some C. Languages that
    /// another one includes, as C is in C++, do not count beside it.
    package static func recognise(in folder: FilePath) -> [RecognisedLanguage] {
        let found = all.compactMap { language -> (RecognisedLanguage, LanguageMarker.Strength)? in
            language.markers.lazy.compactMap { marker in
                marker.file(in: folder).map {
                    (RecognisedLanguage(language: language, file: $0), marker.strength)
                }
            }
            .max { $0.1 < $1.1 }
        }
        guard let strongest = found.map(\.1).max() else { return [] }
        let named = found.filter { $0.1 == strongest }.map(\.0)
        let included = named.flatMap(\.language.includes)
        return named.filter { !included.contains($0.language.name) }
    }
}

extension LanguageMarker {
    /// The first file of a folder that it fits, relative to the folder.
    fileprivate func file(in folder: FilePath) -> String? {
        var names: [(path: String, folder: FilePath)] = [("", folder)]
        let parts = pattern.split(separator: "/")
        for part in parts {
            names = names.flatMap { name -> [(path: String, folder: FilePath)] in
                let entries = part.contains("*") ? (try? Files.contents(name.folder)) ?? [] : [String(part)]
                return entries.filter { PathPattern.matches($0[...], part) }.map { entry in
                    (name.path.isEmpty ? entry : "\(name.path)/\(entry)", name.folder.appending(entry))
                }
            }
        }
        return names.first { Files.kind($0.folder) == .file && fits($0.folder) }?.path
    }

    private func fits(_ file: FilePath) -> Bool {
        guard !containing.isEmpty || !lacking.isEmpty else { return true }
        guard let bytes = try? Files.read(file, limit: 1 << 20) else { return false }
        let text = String(decoding: bytes, as: UTF8.self)
        guard containing.isEmpty || containing.contains(where: text.contains) else { return false }
        return !lacking.contains(where: text.contains)
    }
}
