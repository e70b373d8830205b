// SPDX-License-Identifier: Apache-2.0

/// The text of an error for the terminal: what failed, each cause below it, and what to do next.
///
///     error: cannot use data folder "/srv/hub"
///       cause: cannot create "/srv/hub": permission denied
///       help: make it writable for this user, or choose another folder with --data
///
/// The help is that of the outermost error that has one: it knows best what the person was doing.
/// - Returns: lines without a line end after the last one.
package func render(_ error: any Error) -> String {
    var lines: [String] = []
    var hint: String?
    var next: (any Error)? = error
    while let current = next {
        let diagnostic = current as? any Diagnostic
        lines.append((lines.isEmpty ? "error: " : "  cause: ") + (diagnostic?.message ?? "\(current)"))
        hint = hint ?? diagnostic?.hint
        next = diagnostic?.cause
    }
    if let hint { lines.append("  help: " + hint) }
    return lines.joined(separator: "\n")
}
