// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import Synchronization

#if canImport(Glibc)
    private import Glibc
#endif

/// Runs tasks on one thread of its own, which steps back for all others.
///
/// To unpack and read a large module takes a second of work; on the threads that all tasks share, requests would wait
/// for it. The thread is begun with the first job, and ends with this object.
final class BackgroundThread: TaskExecutor {
    private let queue = Queue()

    /// What the thread sees: it must not keep this object alive.
    private final class Queue: Sendable {
        struct State {
            var jobs: [UnownedJob] = []
            var isStarted = false
            var isOver = false
        }
        let state = Mutex(State())
        let count = DispatchSemaphore(value: 0)
    }

    deinit {
        queue.state.withLock { $0.isOver = true }
        queue.count.signal()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isNew = queue.state.withLock { state in
            state.jobs.append(job)
            defer { state.isStarted = true }
            return !state.isStarted
        }
        queue.count.signal()
        guard isNew else { return }
        let executor = asUnownedTaskExecutor()
        Thread.detachNewThread { [queue] in
            #if canImport(Glibc)
                // On Linux it holds for the calling thread alone (setpriority(2), "C library/kernel differences").
                setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 5)
            #endif
            while true {
                queue.count.wait()
                let (job, isOver) = queue.state.withLock { state in
                    (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isOver)
                }
                // A job belongs to a task that runs here, and so this object is there while there is one.
                if let job { job.runSynchronously(on: executor) } else if isOver { return }
            }
        }
    }
}
