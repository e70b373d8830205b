// SPDX-License-Identifier: Apache-2.0

import FilterProxy
private import JSON

/// What a new version of a filter does otherwise than the one before, for the same request.
package struct ResponseDifference: Sendable {
    /// How two bodies differ.
    package enum Body: Hashable, Sendable {
        /// Lines of a unified difference.
        case text([String])
        /// Sizes in bytes of bodies that are no text; whether they are more than what is kept.
        case binary(old: Int, new: Int)
    }

    package let oldStatus: Int?
    package let newStatus: Int?
    /// Of the response, without what changes by itself.
    package let headers: [HeaderDifference]
    /// Of the response; nil if it is the same.
    package let body: Body?
    /// Of the request as what is behind the filter gets it.
    package let upstreamHeaders: [HeaderDifference]
    package let upstreamBody: Body?
    /// Whether the request got behind the filter, and now does not, or the other way round.
    package let reachesUpstream: (old: Bool, new: Bool)
    /// Lines of a unified difference of what was logged; empty if it is the same or not known.
    package let log: [String]

    package init(old: SeenRequest, new: SeenRequest) {
        let (before, after) = (old.exchange.before, new.exchange.before)
        oldStatus = before.status
        newStatus = after.status
        headers = HeaderDifference.between(before.response.headers, after.response.headers) { name in
            !name.hasPrefix(":") && HeaderKinds.isOfResponse(name)
        }
        body = Self.body(before.response, after.response)
        let none = StreamRecord.Message()
        let (oldBehind, newBehind) = (old.exchange.behind, new.exchange.behind)
        reachesUpstream = (oldBehind != nil, newBehind != nil)
        if let oldBehind, let newBehind {
            let asked = Set(old.clientHeaders.map(\.name))
            upstreamHeaders = HeaderDifference.between(
                oldBehind.request.headers, newBehind.request.headers
            ) { name in
                // Whoever sends it again says that it takes anything, where the first one said nothing.
                HeaderKinds.isOfRequest(name) && (name != "accept" || asked.contains(name))
            }
        } else {
            upstreamHeaders = []
        }
        upstreamBody =
            oldBehind == nil || newBehind == nil
            ? nil : Self.body(oldBehind?.request ?? none, newBehind?.request ?? none)
        if let oldLog = old.log, let newLog = new.log {
            log = LineDifference(oldLog.map(Self.line), newLog.map(Self.line)).lines
        } else {
            log = []
        }
    }

    /// Whether there is none.
    package var isEmpty: Bool {
        oldStatus == newStatus && headers.isEmpty && body == nil && upstreamHeaders.isEmpty
            && upstreamBody == nil && reachesUpstream.old == reachesUpstream.new && log.isEmpty
    }

    private static func line(_ line: FilterLogLine) -> String { "\(line.level) \(line.text)" }

    private static func body(_ old: StreamRecord.Message, _ new: StreamRecord.Message) -> Body? {
        guard old.body != new.body || old.isTruncated != new.isTruncated else { return nil }
        guard let before = lines(old.body), let after = lines(new.body) else {
            return .binary(old: old.body.count, new: new.body.count)
        }
        if let before = jsonLines(old.body), let after = jsonLines(new.body), before != after {
            return .text(LineDifference(before, after).lines)
        }
        return .text(LineDifference(before, after).lines)
    }

    /// The lines of a JSON text with a member in each; nil if it is none.
    private static func jsonLines(_ body: [UInt8]) -> [String]? {
        guard let json = try? JSONValue(parsing: body) else { return nil }
        return json.prettyPrinted.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// A text's lines; nil if it is no text.
    private static func lines(_ body: [UInt8]) -> [String]? {
        guard let text = String(validating: body, as: UTF8.self), !body.contains(0) else { return nil }
        var lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
