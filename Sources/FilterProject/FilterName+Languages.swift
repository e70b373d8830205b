// SPDX-License-Identifier: Apache-2.0

extension FilterName {
    /// Refuses a name that the language's own tools would stumble over: a keyword, or the name of what comes with it.
    ///
    /// Swift is not among them: its projects use `module`, which steps aside by itself.
    package func check(inLanguage language: String) throws(ProjectError) {
        guard let reason = reason(againstUseIn: language) else { return }
        let near = ["filter", "plugin"].lazy.compactMap { try? FilterName("\(self)-\($0)") }
            .first { $0.reason(againstUseIn: language) == nil }
        throw ProjectError(
            .invalidName, "\(quoted(description)) cannot be the name of a \(language) filter: \(reason)",
            hint: near.map { "\"\($0)\" would do" })
    }

    private func reason(againstUseIn language: String) -> String? {
        // `con.c` cannot be checked out on Windows.
        if Self.devices.contains(description) { return "Windows keeps it for a device" }
        for words in Self.words where words.languages.contains(language) {
            // Crates, modules and identifiers are made of either form.
            if words.list.contains(description) || words.list.contains(rootID) { return words.what }
        }
        return nil
    }

    private static let devices: Set<String> = Set(
        ["con", "prn", "aux", "nul"] + (0...9).flatMap { ["com\($0)", "lpt\($0)"] })

    /// Names that are taken, with the languages that they are taken in; no language has to be here.
    private struct Words {
        let languages: Set<String>
        let what: String
        let list: Set<String>

        init(_ languages: Set<String>, _ what: String, _ list: String) {
            self.languages = languages
            self.what = what
            self.list = Set(list.split(separator: " ").map(String.init))
        }
    }

    private static let words: [Words] = [
        // The Rust Reference, "Keywords"; `cargo new` refuses the others.
        Words(
            ["rust"], "it is a keyword of Rust",
            """
            abstract as async await become box break const continue crate do dyn else enum extern false final fn for \
            gen if impl in let loop macro match mod move mut override priv pub ref return self static struct super \
            trait true try type typeof unsafe unsized use virtual where while yield
            """),
        Words(
            ["rust"], "cargo or the standard library has that name",
            "alloc build core deps examples incremental log proc_macro proxy_wasm serde serde_json std test"),
        // The Go Programming Language Specification, "Keywords".
        Words(
            ["go", "tinygo"], "it is a keyword of Go",
            """
            break case chan const continue default defer else fallthrough for func go goto if import interface map \
            package range return select struct switch type var
            """),
        Words(
            ["go", "tinygo"], "a package of the standard library, or of the go command, has that name",
            """
            all archive bufio bytes cmd cmp compress container context crypto database debug embed encoding errors \
            expvar flag fmt hash html image index internal io iter log main maps math mime net os path plugin reflect \
            regexp runtime slices sort std strconv strings structs sync syscall test testing text time unicode unique \
            unsafe vendor weak
            """),
        // ISO/IEC 9899:2024, 6.4.1.
        Words(
            ["c", "cpp"], "it is a keyword of C",
            """
            alignas alignof auto bool break case char const constexpr continue default do double else enum extern \
            false float for goto if inline int long nullptr register restrict return short signed sizeof static \
            static_assert struct switch thread_local true typedef typeof union unsigned void volatile while
            """),
        // ISO/IEC 14882:2023, [lex.key] and [lex.digraph].
        Words(
            ["cpp"], "it is a keyword of C++",
            """
            and and_eq asm bitand bitor catch char16_t char32_t char8_t class co_await co_return co_yield compl concept \
            const_cast consteval constinit decltype delete dynamic_cast explicit export friend mutable namespace new \
            noexcept not not_eq operator or or_eq private protected public reinterpret_cast requires static_cast \
            template this throw try typeid typename using virtual wchar_t xor xor_eq
            """),
        Words(
            ["c", "cpp"], "the standard library has that name",
            "abort calloc exit free main malloc memcpy memset printf realloc std strlen"),
        // Zig Language Reference, "Keyword Reference" and "Primitive Types".
        Words(
            ["zig"], "it is a keyword of Zig",
            """
            addrspace align allowzero and anyframe anytype asm async await break callconv catch comptime const continue \
            defer else enum errdefer error export extern fn for if inline linksection noalias noinline nosuspend opaque \
            or orelse packed pub resume return struct suspend switch test threadlocal try union unreachable var volatile \
            while
            """),
        Words(
            ["zig"], "Zig itself has that name",
            "anyerror anyopaque bool builtin f16 f32 f64 f80 f128 false isize main noreturn null root std true type undefined usize void"
        ),
        // ECMA-262, 12.7.2, and what AssemblyScript adds.
        Words(
            ["assemblyscript"], "it is a keyword of AssemblyScript",
            """
            abstract any as async await bool boolean break case catch class const continue debugger declare default \
            delete do else enum export extends f32 f64 false finally for from function get i16 i32 i64 i8 if implements \
            import in instanceof interface is isize keyof let module namespace never new null number of package private \
            protected public readonly return set static string super switch symbol this throw true try type typeof u16 \
            u32 u64 u8 undefined usize v128 var void while with yield
            """),
        Words(
            ["assemblyscript"], "npm or Node has that name",
            """
            assemblyscript assert buffer cluster console constants crypto dgram dns domain events fs http http2 https \
            inspector module net node_modules os path process punycode querystring readline repl stream sys timers tls \
            tty url util v8 vm wasi worker_threads zlib
            """),
    ]
}
