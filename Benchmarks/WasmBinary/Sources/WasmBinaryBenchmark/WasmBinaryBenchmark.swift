// SPDX-License-Identifier: Apache-2.0

import Glibc
import WasmBinary

/// Lists the sections of a 25 MB module, as a program of its own and in turns with `wasm-objdump -h`.
@main
struct WasmBinaryBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        switch arguments.dropFirst().first {
        case "list": try list(arguments[2])
        case "memory": try memory(arguments[2])
        default: try compare()
        }
    }

    /// What `wasm-objdump -h` does.
    static func list(_ path: String) throws {
        let module = try WasmModule(try contents(path))
        for section in module.sections {
            print(section.id, section.content.lowerBound, section.content.upperBound, section.size)
        }
        print(module.functions.count, "functions,", module.dataSegments.count, "data segments")
    }

    /// The most memory that the process had, after reading whole and, in another process, in parts.
    static func memory(_ mode: String) throws {
        let path = CommandLine.arguments[3]
        switch mode {
        case "nothing": break
        case "whole":
            let module = try WasmModule(try contents(path))
            precondition(module.size > 0)
        default:
            let file = open(path, O_RDONLY)
            defer { close(file) }
            var walk = try SectionWalk(size: Int(lseek(file, 0, SEEK_END)))
            while let range = walk.needed { try walk.take(bytes(of: file, range)) }
            let module = try walk.finish()
            precondition(module.size > 0)
        }
        // Not getrusage: its maximum counts the parent's memory before exec.
        let status = String(decoding: try allContents("/proc/self/status"), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        print(line?.filter(\.isNumber) ?? "0")
    }

    static func compare() throws {
        let folder = String(cString: getenv("TMPDIR") ?? strdup("/tmp"))
        let path = "\(folder)/wasme-benchmark-\(getpid()).wasm"
        let bytes = GeneratedModule.bytes
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        defer { unlink(path) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(file, $0.baseAddress.map { start in start + written }, bytes.count - written)
            }
            precondition(count > 0, "cannot write \(path)")
            written += count
        }
        close(file)
        print("module: \(bytes.count) bytes")

        var ours: [Double] = []
        var theirs: [Double] = []
        let own = "/proc/self/exe"
        for round in 0..<17 {
            let first = seconds([own, "list", path])
            let second = seconds(["wasm-objdump", "-h", path])
            // The first round fills the caches.
            if round == 0 { continue }
            ours.append(first)
            theirs.append(second)
        }
        report("list, as a process", median(ours))
        report("wasm-objdump -h", median(theirs))
        print("median of the ratios: \(rounded(median(zip(ours, theirs).map { $0 / $1 })))")

        report("WasmModule(bytes)", try median((0..<9).map { _ in try time { _ = try WasmModule(bytes) } }))
        let module = try WasmModule(bytes)
        report("features()", try median((0..<9).map { _ in try time { _ = try module.features() } }))
        report("names", median((0..<9).map { _ in time { for _ in module.names.functions {} } }))
        for mode in ["nothing", "whole", "parts"] {
            let kilobytes = output([own, "memory", mode, path])
            let share = (Double(kilobytes) ?? 0) * 1024 / Double(bytes.count)
            print("peak memory, \(mode): \(kilobytes) KiB, \(rounded(share)) of the file")
        }
    }

    // MARK: - Measuring

    static func time(_ work: () throws -> Void) rethrows -> Double {
        try ContinuousClock().measure(work) / .seconds(1)
    }

    static func median(_ numbers: [Double]) -> Double { numbers.sorted()[numbers.count / 2] }

    static func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }

    static func report(_ title: String, _ seconds: Double) {
        print("\(title): \(rounded(seconds * 1000)) ms")
    }

    /// How long a program takes, from its start to its end.
    static func seconds(_ command: [String]) -> Double {
        time { precondition(run(command, output: "/dev/null") == 0, "\(command) failed") }
    }

    /// What a program prints.
    static func output(_ command: [String]) -> String {
        let path = "/tmp/wasme-benchmark-\(getpid()).txt"
        defer { unlink(path) }
        precondition(run(command, output: path) == 0, "\(command) failed")
        let text = (try? contents(path)) ?? []
        return String(decoding: text.prefix { $0 != 0x0a }, as: UTF8.self)
    }

    static func run(_ command: [String], output: String) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let arguments = command.map { strdup($0) }
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        guard posix_spawnp(&pid, command[0], &actions, nil, arguments + [nil], environ) == 0 else {
            return -1
        }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        return status
    }

    // MARK: - Files

    struct Unreadable: Error {}

    static func contents(_ path: String) throws -> [UInt8] {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { throw Unreadable() }
        defer { close(file) }
        return try bytes(of: file, 0..<Int(lseek(file, 0, SEEK_END)))
    }

    /// A file that has no size before it is read, as those of /proc.
    static func allContents(_ path: String) throws -> [UInt8] {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { throw Unreadable() }
        defer { close(file) }
        return [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = max(0, read(file, buffer.baseAddress, buffer.count))
        }
    }

    static func bytes(of file: Int32, _ range: Range<Int>) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count {
                let read = pread(
                    file, buffer.baseAddress.map { start in start + count }, range.count - count,
                    off_t(range.lowerBound + count))
                guard read > 0 else { throw Unreadable() }
                count += read
            }
        }
    }
}
