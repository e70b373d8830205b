// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport

/// Makes one `open` of a running process fail, of those that name a file in one folder.
///
/// A tracer would refuse whichever comes next, also those of the runtime itself, which ends the process when it cannot
/// read `/proc`: what no disk does. So the process is given a function of the C library's name that looks at the path.
final class FailingOpens {
    private let control: FilePath
    private let library: FilePath
    private let folder: FilePath

    init(in scratch: ScratchDirectory, below folder: FilePath) async throws {
        self.folder = folder
        library = scratch.path.appending("failing-opens.so")
        control = try scratch.write("failing-opens", String(repeating: "\0", count: 8))
        let source = try scratch.write("failing-opens.c", Self.source)
        guard let clang = Tool.clang.path else { throw ProcessFailure(description: "no clang") }
        let outcome = try await run(
            clang, ["-shared", "-fPIC", "-O1", source.string, "-o", library.string])
        guard outcome.status == 0 else { throw ProcessFailure(description: outcome.stderr) }
    }

    /// What the process has to be started with.
    var environment: [String: String] {
        ["LD_PRELOAD": library.string, "FAILING_FOLDER": folder.string, "FAILING_CONTROL": control.string]
    }

    /// Lets the `number`th open from now fail with an error of the system's.
    func fail(_ number: Int32, with error: Errno) throws {
        // A number that is not positive lets nothing fail; so it comes last, and goes first.
        try write(0, at: 4)
        try write(error.rawValue, at: 0)
        try write(number, at: 4)
    }

    /// Lets no more fail.
    /// - Returns: whether one has failed.
    func stop() throws -> Bool {
        let file = try FileDescriptor.open(control, .readOnly)
        let left = try file.closeAfter {
            try withUnsafeTemporaryAllocation(byteCount: 4, alignment: 4) { bytes in
                _ = try file.read(fromAbsoluteOffset: 4, into: bytes)
                return bytes.load(as: Int32.self)
            }
        }
        try write(0, at: 4)
        return left <= 0
    }

    private func write(_ number: Int32, at offset: Int64) throws {
        let file = try FileDescriptor.open(control, .writeOnly)
        try file.closeAfter {
            _ = try withUnsafeBytes(of: number) { try file.write(toAbsoluteOffset: offset, $0) }
        }
    }

    /// The control file is two numbers in memory that both processes see: the error, and how many opens until it.
    private static let source = """
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <stdarg.h>
        #include <stdatomic.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <unistd.h>

        static _Atomic int *control;
        static const char *folder;

        __attribute__((constructor)) static void begin(void) {
            const char *path = getenv("FAILING_CONTROL");
            folder = getenv("FAILING_FOLDER");
            int file = path && folder ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
            if (file < 0) return;
            void *memory = mmap(0, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            if (memory != MAP_FAILED) control = memory;
            close(file);
        }

        static int reach(int at, const char *path, int flags, mode_t mode) {
            if (control && atomic_load(control + 1) > 0 && !strncmp(path, folder, strlen(folder))
                && atomic_fetch_sub(control + 1, 1) == 1) {
                errno = atomic_load(control);
                return -1;
            }
            return (int)syscall(SYS_openat, at, path, flags, mode);
        }

        #define MODE(flags) \\
            mode_t mode = 0; \\
            if (flags & (O_CREAT | __O_TMPFILE)) { \\
                va_list rest; \\
                va_start(rest, flags); \\
                mode = va_arg(rest, mode_t); \\
                va_end(rest); \\
            }

        int open(const char *path, int flags, ...) { MODE(flags) return reach(AT_FDCWD, path, flags, mode); }
        int open64(const char *path, int flags, ...) { MODE(flags) return reach(AT_FDCWD, path, flags, mode); }
        int openat(int at, const char *path, int flags, ...) { MODE(flags) return reach(at, path, flags, mode); }
        int openat64(int at, const char *path, int flags, ...) { MODE(flags) return reach(at, path, flags, mode); }

        """
}
