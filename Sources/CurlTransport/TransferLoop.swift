// SPDX-License-Identifier: Apache-2.0

private import CCurl
private import Foundation
private import OCIRegistry
private import Synchronization

/// The thread that drives all transfers of one transport through a libcurl multi handle.
///
/// Only this thread touches the handles. Others leave word in `inbox` and wake it.
final class TransferLoop: Sendable {
    private struct Inbox {
        var submitted: [Transfer] = []
        var hasCancellations = false
        var isStopping = false
        /// Set while the thread may be woken; the bits of a pointer, because a pointer is not Sendable.
        var handle: UInt = 0
    }

    private let inbox = Mutex(Inbox())

    /// libcurl wants to be initialised once, before any other call.
    private static let isInitialised = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    func start() {
        let multi = Self.isInitialised ? curl_multi_init() : nil
        inbox.withLock { $0.handle = UInt(bitPattern: multi) }
        let thread = Thread { [self] in run() }
        thread.name = "wasme-curl"
        thread.start()
    }

    /// Ends the thread, which closes all connections; not waited for, as this may run on the thread itself.
    func stop() { leave { $0.isStopping = true } }

    func submit(_ transfer: Transfer) {
        let isAccepted = leave { inbox in
            guard inbox.handle != 0 else { return false }
            inbox.submitted.append(transfer)
            return true
        }
        if !isAccepted { transfer.fail(HTTPTransportError(.other, "libcurl cannot be started")) }
    }

    func noteCancellation() { leave { $0.hasCancellations = true } }

    /// Leaves word for the thread; the lock is held while waking it so that the handle cannot go away meanwhile.
    private func leave<Answer: Sendable>(_ word: (inout Inbox) -> Answer) -> Answer {
        inbox.withLock { inbox in
            let answer = word(&inbox)
            if let multi = UnsafeMutableRawPointer(bitPattern: inbox.handle) { curl_multi_wakeup(multi) }
            return answer
        }
    }

    private func run() {
        guard let multi = UnsafeMutableRawPointer(bitPattern: inbox.withLock { $0.handle }) else {
            return
        }
        var active: [UnsafeMutableRawPointer: Transfer] = [:]
        while true {
            let word = inbox.withLock { inbox in
                let word = (inbox.submitted, inbox.hasCancellations, inbox.isStopping)
                inbox.submitted = []
                inbox.hasCancellations = false
                return word
            }
            for transfer in word.0 { begin(transfer, on: multi, &active) }
            if word.1 {
                for (easy, transfer) in active where transfer.isCancelled.load(ordering: .acquiring) {
                    active[easy] = nil
                    curl_multi_remove_handle(multi, easy)
                    transfer.fail(CancellationError())
                }
            }
            // The transport is released only when no call of it is under way: nothing is cut off here.
            if word.2 { break }
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            finishDone(on: multi, &active)
            // libcurl shortens the wait to its own timers; a message in the inbox ends it.
            curl_multi_poll(multi, nil, 0, 3_600_000, nil)
        }
        inbox.withLock { $0.handle = 0 }
        for (easy, transfer) in active {
            curl_multi_remove_handle(multi, easy)
            transfer.fail(CancellationError())
        }
        curl_multi_cleanup(multi)
    }

    private func begin(
        _ transfer: Transfer, on multi: UnsafeMutableRawPointer,
        _ active: inout [UnsafeMutableRawPointer: Transfer]
    ) {
        do {
            guard !transfer.isCancelled.load(ordering: .acquiring) else { throw CancellationError() }
            let easy = try transfer.open()
            guard curl_multi_add_handle(multi, easy) == CURLM_OK else {
                throw HTTPTransportError(.other, "libcurl does not accept another transfer")
            }
            active[easy] = transfer
        } catch {
            transfer.fail(error)
        }
    }

    private func finishDone(
        on multi: UnsafeMutableRawPointer, _ active: inout [UnsafeMutableRawPointer: Transfer]
    ) {
        var queued: Int32 = 0
        while let message = curl_multi_info_read(multi, &queued)?.pointee {
            guard message.msg == CURLMSG_DONE, let easy = message.easy_handle else { continue }
            let result = message.data.result
            curl_multi_remove_handle(multi, easy)
            active.removeValue(forKey: easy)?.finish(result)
        }
    }
}
