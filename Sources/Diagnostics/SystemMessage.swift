// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// The system's own text for an `errno` value, lower-case as all of our messages are.
func systemMessage(_ errno: Int32) -> String {
    // Safe between threads: glibc (2.32 on), musl and Darwin all keep the text in the thread or in a constant.
    guard let text = strerror(errno) else { return "error \(errno)" }
    let message = String(cString: text)
    return message.prefix(1).lowercased() + message.dropFirst()
}

/// What to do about an `errno` value that people meet.
func systemHint(_ errno: Int32) -> String? {
    switch errno {
    case ENOSPC, EDQUOT:
        "free some space, or choose another folder with WASME_HOME or the command's own option"
    case ENOENT: "check the path"
    case EACCES, EPERM: "check who owns it and its permissions"
    case EROFS: "the file system is read-only; choose another folder"
    case EMFILE, ENFILE: "too many open files; raise the limit with 'ulimit -n'"
    default: nil
    }
}
