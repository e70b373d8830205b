// SPDX-License-Identifier: Apache-2.0

import Deployment
import DevLoop
import Diagnostics
import EnvoyControl
import FilterProxy
import JSON
import OCI

/// An event as one line of JSON, for programs.
struct DevRecord {
    /// An object without line breaks, with a member `event`.
    let line: String

    /// - Returns: nil for an event that is of no use to programs.
    init?(_ event: DevEvent) {
        var object = JSONObject()
        func put(_ name: String, _ value: JSONValue?) { object[name] = value }
        switch event {
        case .note, .logLevel: return nil
        case .listening(let address):
            put("event", .string("listening"))
            put("address", .string("\(address)"))
        case .building: put("event", .string("building"))
        case .live(let live):
            put("event", .string("live"))
            put("version", .integer(live.number))
            put("digest", .string("\(live.version.digest)"))
            put("milliseconds", .integer(Int(live.total / .milliseconds(1))))
            put("buildMilliseconds", .integer(Int(live.build / .milliseconds(1))))
        case .unchanged(let version, _, _):
            put("event", .string("unchanged"))
            put("digest", .string("\(version.digest)"))
        case .buildFailed(let error, let isServing):
            put("event", .string("buildFailed"))
            put("error", .string((error as? any Diagnostic)?.message ?? "\(error)"))
            put("serving", .bool(isServing))
        case .refused(let version, let reason, let isServing):
            put("event", .string("refused"))
            put("digest", .string("\(version.digest)"))
            put("reasons", .array(reason.reasons.map { .string($0) }))
            put("serving", .bool(isServing))
        case .log(let line):
            put("event", .string("log"))
            put("level", .string(line.level))
            put("text", .string(line.text))
            put("from", .string(line.isFilters ? "filter" : "envoy"))
        case .request(let seen):
            put("event", .string("request"))
            put("method", .string(seen.method))
            put("path", .string(seen.path))
            put("status", seen.exchange.before.status.map { .integer($0) })
            put("requestHeaders", Self.headers(seen.requestChanges))
            put("responseHeaders", Self.headers(seen.responseChanges))
            put("answeredByFilter", .bool(seen.isAnsweredByFilter))
        case .lost(let count):
            put("event", .string("lost"))
            put("requests", .integer(count))
        case .replayed(let seen, let outcome):
            put("event", .string("replayed"))
            put("method", .string(seen.method))
            put("path", .string(seen.path))
            switch outcome {
            case .same: put("result", .string("same"))
            case .failed(let reason):
                put("result", .string("failed"))
                put("reason", .string(reason))
            case .different(let difference):
                put("result", .string("different"))
                put("oldStatus", difference.oldStatus.map { .integer($0) })
                put("newStatus", difference.newStatus.map { .integer($0) })
                put("headers", Self.headers(difference.headers))
                put("upstreamHeaders", Self.headers(difference.upstreamHeaders))
                put("body", Self.body(difference.body))
                put("upstreamBody", Self.body(difference.upstreamBody))
                put("log", .array(difference.log.map { .string($0) }))
            }
        }
        line = JSONValue.object(object).description
    }

    private static func headers(_ headers: [HeaderDifference]) -> JSONValue {
        .array(
            headers.map { header in
                .object([
                    "name": .string(header.name), "old": .array(header.old.map { .string($0) }),
                    "new": .array(header.new.map { .string($0) }),
                ])
            })
    }

    private static func body(_ body: ResponseDifference.Body?) -> JSONValue? {
        switch body {
        case nil: nil
        case .binary(let old, let new):
            .object(["oldBytes": .integer(old), "newBytes": .integer(new)])
        case .text(let lines): .object(["lines": .array(lines.map { .string($0) })])
        }
    }
}
