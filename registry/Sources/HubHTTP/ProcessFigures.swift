// SPDX-License-Identifier: Apache-2.0

private import Foundation

/// What the system says of this process, as Prometheus' client libraries name it.
enum ProcessFigures {
    /// Nothing of it where there is no `/proc`.
    static func write(to text: inout PrometheusText) {
        guard let line = read("/proc/self/stat"), let end = line.lastIndex(of: ")") else { return }
        // proc(5): the third field comes after the name, which may hold anything.
        let fields = line[line.index(after: end)...].split(separator: " ")
        func field(_ number: Int) -> Double {
            fields.indices.contains(number - 3) ? Double(fields[number - 3]) ?? 0 : 0
        }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        text.metric(
            "process_cpu_seconds_total", .counter, "User and system time spent.",
            (field(14) + field(15)) / ticks)
        text.metric("process_virtual_memory_bytes", .gauge, "Size of the address space.", field(23))
        text.metric(
            "process_resident_memory_bytes", .gauge, "Size of the memory in use.",
            field(24) * Double(sysconf(Int32(_SC_PAGESIZE))))
        text.metric("process_threads", .gauge, "Threads of the process.", field(20))
        if let boot = read("/proc/stat")?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
            let time = Double(boot.dropFirst(6))
        {
            text.metric(
                "process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.",
                time + field(22) / ticks)
        }
        if let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            text.metric("process_open_fds", .gauge, "Open file descriptors.", Double(files.count))
        }
        text.metric(
            "process_max_fds", .gauge, "Most file descriptors that may be open.", Double(OpenFiles.current))
    }

    private static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
