// SPDX-License-Identifier: Apache-2.0

import Deployment
import Testing

@Suite struct LabelSelectorTests {
    /// A generator whose sequence depends on nothing but its seed.
    struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    static let keys = ["app", "tier", "env", "example.com/team"]
    static let values = ["", "a", "b", "c-1"]

    /// Every object that four labels with four values, or none, can make.
    static let objects: [[String: String]] = keys.reduce([[:]]) { objects, key in
        objects.flatMap { object in
            [object]
                + values.map { value in object.merging([key: value]) { _, new in new } }
        }
    }

    /// The text of a requirement and what it means, said once more in the plainest way.
    static func requirement(_ random: inout Seeded) -> (text: String, holds: ([String: String]) -> Bool) {
        let key = keys.randomElement(using: &random) ?? ""
        let value = values.randomElement(using: &random) ?? ""
        let count = Int.random(in: 1...3, using: &random)
        let several = (0..<count).map { _ in values.randomElement(using: &random) ?? "" }
        let list = several.joined(separator: ",")
        func given(_ object: [String: String]) -> String? {
            for (name, value) in object where name == key { return value }
            return nil
        }
        switch Int.random(in: 0..<7, using: &random) {
        case 0: return ("\(key)=\(value)", { given($0) == value })
        case 1: return ("\(key) == \(value)", { given($0) == value })
        case 2: return ("\(key)!=\(value)", { given($0) != value })
        case 3: return ("\(key) in (\(list))", { object in several.contains { given(object) == $0 } })
        case 4: return ("\(key) notin ( \(list) )", { object in !several.contains { given(object) == $0 } })
        case 5: return (key, { given($0) != nil })
        default: return ("!\(key)", { given($0) == nil })
        }
    }

    @Test func `200 selectors mean what a brute-force oracle says`() throws {
        #expect(Self.objects.count == 625)
        var random = Seeded(state: 20_261_126)
        var matched = 0
        for _ in 0..<200 {
            let parts = (0..<Int.random(in: 1...4, using: &random)).map { _ in Self.requirement(&random) }
            let text = parts.map(\.text).joined(separator: ", ")
            let selector = try LabelSelector(parsing: text)
            // What it says of itself is the same selector.
            #expect(try LabelSelector(parsing: selector.description) == selector, "\(text)")
            for object in Self.objects {
                let expected = parts.allSatisfy { $0.holds(object) }
                #expect(selector.matches(object) == expected, "\(text) of \(object)")
                if expected { matched += 1 }
            }
        }
        // An oracle that never agrees would prove nothing.
        #expect(matched > 1000)
    }

    @Test(arguments: [
        "app=", "app in ()", "a,b", "app=shop,tier in (front,back),!canary,env!=test", " app = shop ", "",
    ])
    func `a selector is read as kubectl reads it`(_ text: String) throws {
        let selector = try LabelSelector(parsing: text)
        #expect(try LabelSelector(parsing: selector.description) == selector)
    }

    @Test(arguments: [
        "=a", "app=a b", "app in", "app in a", "app in (a", "app is a", "!", "a,,b", "a,", "app=a,b c",
        "-a=b",
        "a=-b", "a=ä", "!a=b", "(a)", "a/b/c=d",
    ])
    func `what is no selector is an error`(_ text: String) {
        let error = #expect(throws: DeploymentError.self) { try LabelSelector(parsing: text) }
        #expect(error?.hint != nil)
    }

    @Test func `equal labels are told apart from what only sets can say`() throws {
        #expect(try LabelSelector(parsing: "a=b,c==d").equalLabels == ["a": "b", "c": "d"])
        #expect(try LabelSelector(parsing: "a in (b)").equalLabels == ["a": "b"])
        #expect(try LabelSelector(parsing: "a=b,a=c").equalLabels == nil)
        #expect(try LabelSelector(parsing: "a!=b").equalLabels == nil)
        #expect(try LabelSelector(parsing: "a in (b,c)").equalLabels == nil)
        #expect(try LabelSelector(["a": "b"]).description == "a=b")
        let mixed = try LabelSelector(parsing: "a=b,c in (d,e),!f").value
        #expect(
            mixed == [
                "matchLabels": ["a": "b"],
                "matchExpressions": [
                    ["key": "c", "operator": "In", "values": ["d", "e"]],
                    ["key": "f", "operator": "DoesNotExist"],
                ],
            ])
    }

    @Test(arguments: [
        ("app=shpo", "nothing has \"app=shpo\"; did you mean \"app=shop\"?"),
        ("ap=shop", "nothing has a label \"ap\"; did you mean \"app\" (cart, shop)?"),
        ("service=shop", "nothing has a label \"service\"; did you mean \"app=shop\"?"),
        ("app=warehouse", "nothing has \"app=warehouse\"; \"app\" is cart, shop"),
        ("region", "nothing has a label \"region\"; there are app, tier"),
        ("app=shop,tier=back", "something has all the others without \"app=shop\", \"tier=back\""),
        ("!app", "everything has what \"!app\" excludes"),
    ])
    func `a selector that means nothing is answered with the nearest label`(
        _ text: String, _ answer: String
    )
        throws
    {
        let pods = [["app": "shop", "tier": "front"], ["app": "cart", "tier": "back"]]
        #expect(try LabelSelector(parsing: text).suggestions(among: pods) == [answer])
    }

    @Test func `a selector that means something has nothing to suggest`() throws {
        #expect(try LabelSelector(parsing: "app=shop").suggestions(among: [["app": "shop"]]) == [])
        #expect(LabelSelector().suggestions(among: [["app": "shop"]]) == [])
        #expect(
            try LabelSelector(parsing: "app").suggestions(among: []) == ["there is nothing to select from"])
    }
}
