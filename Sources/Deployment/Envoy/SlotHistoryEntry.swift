// SPDX-License-Identifier: Apache-2.0

import JSON

/// A line of a slot's history.
enum SlotHistoryEntry {
    case revision(SlotRevision)
    case outcome(id: String, number: Int, SlotRevision.Outcome)

    /// Reads a line; nil if it is not whole.
    init?(_ value: JSONValue) {
        guard let object = value.object, let id = object["id"]?.string,
            let number = object["revision"]?.int
        else { return nil }
        if let outcome = object["outcome"]?.string {
            guard let outcome = SlotRevision.Outcome(outcome, because: object["because"]?.string ?? "") else {
                return nil
            }
            self = .outcome(id: id, number: number, outcome)
            return
        }
        guard let time = object["time"]?.string, let who = object["who"]?.string,
            let action = object["action"]?.string.flatMap(SlotRevision.Action.init(rawValue:))
        else { return nil }
        var revision = SlotRevision(id: id, number: number, time: time, who: who, action: action)
        revision.source = object["source"]?.int
        if let deployment = object["deployment"] {
            guard let deployment = FilterDeployment(json: deployment) else { return nil }
            revision.deployment = deployment
        }
        revision.module = object["module"]?.string
        revision.build = object["build"]?.string
        revision.isInline = object["inline"] == .bool(true)
        revision.retry = object["retry"]?.int ?? 0
        revision.place = object["place"]?.int
        self = .revision(revision)
    }

    var json: JSONValue {
        var object = JSONObject()
        switch self {
        case .revision(let revision):
            object["id"] = .string(revision.id)
            object["revision"] = .integer(revision.number)
            object["time"] = .string(revision.time)
            object["who"] = .string(revision.who)
            object["action"] = .string(revision.action.rawValue)
            object["source"] = revision.source.map { .integer($0) }
            object["place"] = revision.place.map { .integer($0) }
            object["module"] = revision.module.map { .string($0) }
            object["build"] = revision.build.map { .string($0) }
            if revision.isInline { object["inline"] = .bool(true) }
            if revision.retry > 0 { object["retry"] = .integer(revision.retry) }
            object["deployment"] = revision.deployment?.json
        case .outcome(let id, let number, let outcome):
            object["id"] = .string(id)
            object["revision"] = .integer(number)
            object["outcome"] = .string(outcome.name)
            object["because"] = outcome.reason.map { .string($0) }
        }
        return .object(object)
    }
}

extension SlotRevision.Outcome {
    /// A word for it that stays the same between versions.
    package var name: String {
        switch self {
        case .pending: "pending"
        case .proved: "proved"
        case .unproved: "unproved"
        case .failed: "failed"
        case .stuck: "stuck"
        }
    }

    /// Why it is no better.
    package var reason: String? {
        switch self {
        case .pending, .proved: nil
        case .unproved(let reason), .failed(let reason), .stuck(let reason): reason
        }
    }

    fileprivate init?(_ name: String, because reason: String) {
        switch name {
        case "pending": self = .pending
        case "proved": self = .proved
        case "unproved": self = .unproved(because: reason)
        case "failed": self = .failed(because: reason)
        case "stuck": self = .stuck(because: reason)
        default: return nil
        }
    }
}

extension JSONValue {
    /// The number, if it is one and fits.
    var int: Int? { if case .number(let number) = self { number.int } else { nil } }
}
