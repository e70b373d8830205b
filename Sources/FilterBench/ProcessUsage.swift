// SPDX-License-Identifier: Apache-2.0

private import Foundation

#if canImport(Darwin)
    private import Darwin
#endif

/// What a process has used up so far.
struct ProcessUsage: Sendable {
    /// Seconds of processor time, of all threads together.
    let processor: Double
    /// Bytes of memory that are in use.
    let memory: Int64

    /// Asks the system.
    /// - Throws: `BenchError` if it does not say.
    init(of pid: Int32) throws {
        #if canImport(Darwin)
            var usage = rusage_info_v4()
            let outcome = withUnsafeMutablePointer(to: &usage) { pointer in
                pointer.withMemoryRebound(to: rusage_info_t?.self, capacity: 1) {
                    proc_pid_rusage(pid, RUSAGE_INFO_V4, $0)
                }
            }
            guard outcome == 0 else { throw Self.unknown(pid) }
            processor = Double(usage.ri_user_time + usage.ri_system_time) / 1e9
            memory = Int64(usage.ri_phys_footprint)
        #else
            processor = try Self.processorTime(of: pid)
            memory = try Self.residentMemory(of: pid)
        #endif
    }

    private static func unknown(_ pid: Int32) -> BenchError {
        BenchError(
            .unanswered, "the system does not say what process \(pid) uses",
            hint: "the process has ended, or /proc is not there")
    }

    #if !canImport(Darwin)
        /// `schedstat` of each thread has nanoseconds; where the kernel keeps none, `stat` has hundredths of a second.
        private static func processorTime(of pid: Int32) throws -> Double {
            let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
            let times = tasks.compactMap { task -> Double? in
                guard let text = text(of: "/proc/\(pid)/task/\(task)/schedstat"),
                    let first = text.split(separator: " ").first
                else { return nil }
                return Double(first)
            }
            let sum = times.reduce(0, +) / 1e9
            if sum > 0 { return sum }
            // After the name in brackets: state is the first field, utime and stime are the 12th and 13th.
            guard let stat = text(of: "/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else {
                throw unknown(pid)
            }
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            guard fields.count > 13, let user = Double(fields[11]), let system = Double(fields[12]) else {
                throw unknown(pid)
            }
            return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }

        private static func residentMemory(of pid: Int32) throws -> Int64 {
            guard let status = text(of: "/proc/\(pid)/status"),
                let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
                let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
                    .flatMap({ Int64($0) })
            else { throw unknown(pid) }
            return kilobytes << 10
        }

        private static func text(of path: String) -> String? {
            try? String(contentsOfFile: path, encoding: .utf8)
        }
    #endif
}
