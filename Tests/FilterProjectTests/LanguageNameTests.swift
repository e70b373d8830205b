// SPDX-License-Identifier: Apache-2.0

import FilterProject
import Testing

@Suite struct LanguageNameTests {
    @Test(arguments: [
        ("async", "rust"), ("std", "rust"), ("proxy-wasm", "rust"), ("test", "rust"), ("func", "go"),
        ("net", "go"),
        ("net", "tinygo"), ("register", "c"), ("static-assert", "c"), ("printf", "c"), ("class", "cpp"),
        ("int", "cpp"),
        ("co-await", "cpp"), ("comptime", "zig"), ("root", "zig"), ("number", "assemblyscript"),
        ("http", "assemblyscript"), ("con", "swift"), ("com1", "moonbit"),
    ])
    func `a name that the language has taken is refused, and a near one offered`(
        name: String, language: String
    ) throws {
        let error = try #require(
            #expect(throws: ProjectError.self) { try FilterName(name).check(inLanguage: language) })
        #expect(error.code == .invalidName)
        #expect(error.hint == "\"\(name)-filter\" would do")
        try FilterName("\(name)-filter").check(inLanguage: language)
    }

    @Test(arguments: [
        ("async", "swift"), ("class", "c"), ("std", "moonbit"), ("add-header", "rust"), ("net", "rust"),
    ])
    func `a name is free where nothing else has it`(name: String, language: String) throws {
        try FilterName(name).check(inLanguage: language)
    }

    @Test func `a Swift module steps aside by itself`() throws {
        for (name, module) in [
            ("string", "StringFilter"), ("testing", "TestingFilter"), ("add-header", "AddHeader"),
        ] {
            #expect(try FilterName(name).module == module)
        }
    }

    @Test(arguments: [
        ("My Filter", "my-filter"), ("3 größe Filter!", "grosse-filter"), ("404", "filter-404"),
        ("Łódź", "lodz"),
        ("ŒUVRE_x", "oeuvre-x"),
    ])
    func `the error offers the nearest good name`(text: String, near: String) throws {
        let error = #expect(throws: ProjectError.self) { try FilterName(text) }
        #expect(error?.hint == "\"\(near)\" would do")
    }

    @Test(arguments: ["日本語", "!!!", ""]) func `where none is near, filter is offered or nothing`(
        text: String
    ) throws {
        let error = #expect(throws: ProjectError.self) { try FilterName(text) }
        #expect(error?.hint == "\"filter\" would do")
    }
}
