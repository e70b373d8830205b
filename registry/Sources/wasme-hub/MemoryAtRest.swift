// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HubHTTP
import HubStorage
import ServiceLifecycle

/// Gives back, when nothing was asked of the hub for a while, what only its start or its work needed: memory of the
/// allocator and of the database's readers, and the pages of programs that are mapped but not used at rest.
///
/// Where it is always busy the allocator's memory is given back once a minute: of what is kept for a while, and then for
/// something else, half would stay as holes between the pieces.
///
/// Pages of programs stay in the system's cache of files: who comes next has them again without a read of the disk.
struct MemoryAtRest: Service {
    let metadata: MetadataDatabase
    let metrics: HubMetrics
    /// How long nothing must have been asked.
    var patience = Duration.seconds(5)
    private static let looksBetweenTrims = 12

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var seen = metrics.requests.counted
            var released: Int?
            var looks = 0
            while (try? await Task.sleep(for: patience)) != nil {
                let counted = metrics.requests.counted
                if counted == seen, counted != released, metrics.requests.inFlight == 0 {
                    release()
                    released = counted
                } else if counted != seen, looks % Self.looksBetweenTrims == 0 {
                    Self.trim()
                }
                looks += 1
                seen = counted
            }
        }
    }

    private func release() {
        metadata.releaseMemory()
        Self.trim()
        #if os(Linux)
            for mapping in MappedFile.ofThisProcess() where mapping.isOnlyTheFile { mapping.letGo() }
        #endif
    }

    /// Gives free memory back to the system (malloc_trim(3)), where the C library can.
    private static func trim() {
        typealias Trim = @convention(c) (Int) -> Int32
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        _ = unsafeBitCast(symbol, to: Trim.self)(0)
    }
}

#if os(Linux)
    /// A part of the address space that shows a file (proc(5), "smaps").
    struct MappedFile {
        let range: Range<UInt>
        /// Whether nobody can write to it and nothing in it differs from the file, so that letting go of it loses nothing.
        fileprivate(set) var isOnlyTheFile: Bool

        static func ofThisProcess() -> [MappedFile] {
            guard let data = FileManager.default.contents(atPath: "/proc/self/smaps") else { return [] }
            return all(in: String(decoding: data, as: UTF8.self))
        }

        /// Reads what the system says: a line with addresses, rights and the path, then figures of it line by line.
        static func all(in text: String) -> [MappedFile] {
            var found: [MappedFile] = []
            var isFile = false
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                let bounds = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                if bounds.count == 2, words.count >= 5 {
                    isFile = words.count > 5 && words[5].hasPrefix("/")
                    guard isFile, bounds[0] < bounds[1] else { continue }
                    let isReadOnly =
                        words[1].hasPrefix("r") && !words[1].contains("w") && words[1].hasSuffix("p")
                    found.append(MappedFile(range: bounds[0]..<bounds[1], isOnlyTheFile: isReadOnly))
                } else if isFile, words[0] == "Anonymous:", words.dropFirst().first != "0" {
                    // Relocated when the program was loaded: such pages are in no file.
                    found[found.endIndex - 1].isOnlyTheFile = false
                }
            }
            return found
        }

        fileprivate func letGo() {
            // A hint: if the system does not take it, the pages stay.
            _ = madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }
#endif
