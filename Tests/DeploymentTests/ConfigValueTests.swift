// SPDX-License-Identifier: Apache-2.0

import Deployment
import Testing
import Yams

@Suite struct ConfigValueTests {
    static let texts = [
        "", " ", "plain", "a b", "true", "No", "null", "~", "1.5", "0x1f", "2026-01-01", "12:30:45", "=",
        "<<",
        "@type", "a: b", "a #b", "#", "- a", "'", "\"", "it's \"both\"", #"{"a": "b"}"#, "\\", "*", "&a",
        "!t", "%",
        "[", "{", "| text", "> text", "? a", "/var/lib", "type.googleapis.com/x.y.Z", "ünïcödé 🦆",
        "tab\tinside", "\t", "\u{0}", "\u{1b}[0m", "\u{85}", "\u{2028}", "a\u{feff}b", "\r\n", "a\rb", "\n",
        "a\n",
        "a\n\n", "\na", "a\nb", " a\nb", "a\n b\n", "a\n\tb", "a\n  \nb", "a\n\nb\n", "a \nb", "# a\nb",
        "--- \na",
        "...", "---", "{\n  \"a\": \"it's\",\n\n  \"b\": 1\n}\n", "a\u{2028}\nb",
    ]

    @Test(arguments: texts) func `every text is read back as it is`(_ text: String) throws {
        let value: ConfigValue = ["list": [["deep": .string(text)], .string(text)], "last": .string(text)]
        for lines in [value.yamlLines, value.jsonLines(unit: "\t"), value.jsonLines(unit: nil)] {
            let node = try #require(try Yams.compose(yaml: lines.joined(separator: "\n") + "\n"))
            let list = try #require(node["list"])
            for found in [list[0]?["deep"], list[1], node["last"]] {
                #expect(found?.string.map { Array($0.utf8) } == Array(text.utf8))
                #expect(found?.tag.description == "tag:yaml.org,2002:str")
            }
        }
    }

    @Test func `texts are written in the most readable way that keeps them`() {
        #expect(ConfigValue.string("envoy.wasm.runtime.v8").yamlLines == ["envoy.wasm.runtime.v8"])
        #expect(ConfigValue.string("127.0.0.1").yamlLines == ["\"127.0.0.1\""])
        #expect(ConfigValue.string(#"{"a": 1}"#).yamlLines == [#"'{"a": 1}'"#])
        #expect(ConfigValue.string("{\n  \"a\": 1\n}").yamlLines == ["|-", "{", "  \"a\": 1", "}"])
        #expect(ConfigValue.string("yes").yamlLines == ["\"yes\""])
    }
}
