// SPDX-License-Identifier: Apache-2.0

/// What is played in the test host and in Envoy.
///
/// See `Parity` for the scripts.
let scenarios = headers + bodies + trailers + localReplies + pauses + calls + shared + ends

private let headers = [
    Scenario("nothing", ""),
    Scenario("get", "request: get request x-t-a; get request X-T-A; get request x-none").with {
        $0.headers = [("x-t-a", "1")]
    },
    Scenario("several", "request: get request x-t-a; list request; get request user-agent").with {
        $0.headers = [("x-t-a", "1"), ("x-t-a", "2"), ("user-agent", "u1"), ("x-t-b", "")]
    },
    Scenario("set-several", "request: set request x-t-a 3; list request").with {
        $0.headers = [("x-t-a", "1"), ("x-t-b", "b"), ("x-t-a", "2")]
    },
    Scenario("set-one", "request: set request x-t-a 3; list request; set request x-t-c c; list request").with
    {
        $0.headers = [("x-t-a", "1"), ("x-t-b", "b")]
    },
    Scenario("add", "request: add request x-t-a 2; add request x-t-n n; list request").with {
        $0.headers = [("x-t-a", "1")]
    },
    Scenario("add-joined", "request: add request user-agent b; get request user-agent").with {
        $0.headers = [("user-agent", "a")]
    },
    Scenario("remove", "request: remove request x-t-a; remove request x-none; list request").with {
        $0.headers = [("x-t-a", "1"), ("x-t-b", "2")]
    },
    Scenario("path", "request: get request :path; set request :path /other; get request :method").with {
        $0.path = "/p?q=1"
    },
    Scenario(
        "size",
        "request: size request; size response | response: size request; size response | log: size response"),
    Scenario(
        "response-headers",
        "response: get response :status; set response x-t-a 1; set response :status 201; list response"),
    Scenario(
        "response-late",
        "response: get request :path; list request; set request x-t-a 1; get request-trailers x"),
    Scenario(
        "response-early",
        "request: get response :status; list response; set response x-t-a 1; get response-trailers x"),
    Scenario("replace-response", "response: replace-all response :status 299; list response").with {
        $0.responseHeaders = [("x-t-a", "1")]
    },
    Scenario(
        "in-log",
        "log: get request :path; get response :status; get response-trailers x; get request-trailers x; get request x-none; set response x-t-a 1; list response"
    ),
    Scenario("in-done", "done: get request :path; get response :status | delete: get request :path"),
    Scenario("odd-values", "request: get request x-t-a; set request x-t-b y; list request").with {
        $0.headers = [("x-t-a", "a b")]
    },
]

private let bodies = [
    Scenario("stream", "request-body: body | response-body: body").post("one", "two").answered(
        "three", "four"),
    Scenario("buffer", "request: pause; resume-request | request-body: body; pause").post("one", "two"),
    Scenario("buffer-request", "request-body: body; pause").post("one", "two"),
    Scenario("discard", "request-body: body; discard").post("one", "two"),
    Scenario("discard-response", "response-body: body; discard").answered("one", "two"),
    Scenario("hold", "request-body: body; hold").post("one", "two"),
    Scenario("replace", "request-body: replace X; body").post("one", "two"),
    Scenario("prepend", "request-body: prepend >; body").post("one"),
    Scenario("append", "request-body: append <; body").post("one"),
    Scenario("drop", "request-body: drop 2; body").post("onetwo", "3"),
    Scenario("drop-more", "request-body: drop 20; body").post("onetwo"),
    Scenario("parts", "request-body: part 0 2; part 2 50; part 9 1; part 3 0").post("onetwo"),
    Scenario("replace-response-body", "response-body: replace X; body").answered("one", "two"),
    Scenario("edit-response", "response-body: prepend >; append <").answered("one", "two"),
    Scenario("body-early", "request: body | response: body | log: body").post("one").answered("two"),
    Scenario("body-in-response", "response: body; replace X; append y").post("one"),
    Scenario(
        "content-length",
        "response: remove response content-length; get response content-length | response-body: append !"
    ).answered("abc"),
    Scenario("large", "request-body: part 0 3 | response-body: part 0 3").post(
        String(repeating: "r", count: 5000)
    ).answered(String(repeating: "s", count: 5000)),
]

private let trailers = [
    Scenario(
        "trailers",
        "request-trailers: get request-trailers x-t-t; set request-trailers x-t-u 1; list request-trailers"
    )
    .post("one", trailers: [("x-t-t", "v")]),
    Scenario("trailers-headers", "request-trailers: get request :path; body").post(
        "one", trailers: [("x-t-t", "v")]),
    Scenario(
        "response-trailers",
        "response-trailers: get response-trailers x-t-t; add response-trailers x-t-u 1; remove response-trailers x-t-t | log: get response-trailers x-t-u"
    )
    .answered("one", trailers: [("x-t-t", "v")]),
    Scenario("buffer-to-trailers", "request-body: pause | request-trailers: body; append !; body")
        .post("one", "two", trailers: [("x-t-t", "v")]),
    Scenario(
        "pause-trailers",
        "request-trailers: pause; tick | tick: get request-trailers x-t-t; set request-trailers x-t-u 1; resume-request"
    )
    .post("one", trailers: [("x-t-t", "v")]),
    Scenario("make-trailers", "request-body: set request-trailers x-t-n 1").post("one"),
    Scenario("make-response-trailers", "response-body: set response-trailers x-t-n 1").answered("one"),
    Scenario("trailers-without", "request-body: get request-trailers x-t-n").post("one"),
]

private let localReplies = [
    Scenario(
        "respond",
        "request: respond 403 no x-t-a 1 | response: get response :status; set response x-t-b 2; list response"
    ),
    Scenario("respond-empty", "request: respond 204"),
    Scenario("respond-type", "request: respond 400 {} content-type application/json"),
    Scenario("respond-twice", "request: respond 403 a; respond 404 b"),
    Scenario("respond-body", "request-body: respond 413 big").post("one", "two"),
    Scenario("respond-trailers", "request-trailers: respond 400 t").post("one", trailers: [("x-t-t", "v")]),
    Scenario(
        "respond-response",
        "response: respond 502 bad x-t-a 1 | log: get response :status; property response code_details"),
    Scenario("respond-response-body", "response-body: respond 502 bad").answered("one", "two"),
    Scenario("respond-held-body", "request-body: pause; respond 400 held").post("one", "two"),
    Scenario("respond-grpc", "request: respond 401 who").with {
        $0.headers = [("content-type", "application/grpc")]
    },
    Scenario("respond-later", "request: pause; tick | tick: respond 429 slow"),
    Scenario("respond-head", "request: respond 403 no").with { $0.method = "HEAD" },
    Scenario("reply-body", "request: respond 403 abc | response-body: body; replace xyz"),
    Scenario("reset", "request: reset"),
    Scenario("reset-response", "response: reset"),
    Scenario("reset-later", "request: pause; tick | tick: reset"),
]

private let pauses = [
    Scenario("paused", "request: pause"),
    Scenario("paused-body", "request: pause").post("one", "two"),
    Scenario("paused-response", "response: pause").answered("one"),
    Scenario(
        "tick",
        "request: pause; tick | tick: get request :path; set request x-t-a 1; resume-request; get request :path"
    ),
    Scenario("tick-body", "request: pause; tick | tick: resume-request | request-body: body").post(
        "one", "two"),
    Scenario(
        "tick-trailers",
        "request: pause; tick | tick: resume-request | request-body: body | request-trailers: list request-trailers"
    )
    .post("one", "two", trailers: [("x-t-t", "v")]),
    Scenario("tick-buffered", "request-body: pause; tick | tick: body; replace new; resume-request").post(
        "one"),
    Scenario(
        "tick-response",
        "response: pause; tick | tick: get response :status; set response x-t-a 1; resume-response; get response :status; get request :path"
    ),
    Scenario("tick-response-body", "response-body: pause; tick | tick: body; append !; resume-response")
        .answered("one"),
    Scenario("resume-now", "request: pause; resume-request"),
    Scenario("resume-idle", "request: resume-request; get request :path"),
]

private let calls = [
    Scenario(
        "call",
        "request: pause; call upstream /call | answer: get answer :status; get answer x-none; set request x-t-a 1; resume-request"
    ),
    Scenario("call-denied", "request: pause; call upstream /call | answer: respond 403 denied").with {
        $0.answer = .text(401, "no")
    },
    Scenario("call-body", "request: pause; call upstream /call | answer: resume-request | request-body: body")
        .post("one", "two"),
    Scenario(
        "call-response",
        "response: pause; call upstream /call | answer: set response x-t-a 1; resume-response"
    ).answered("one"),
    Scenario(
        "call-set-answer", "request: pause; call upstream /call | answer: set answer x-t-a 1; resume-request"),
    Scenario("call-unknown", "request: call nowhere /call"),
    Scenario("call-no-path", "request: call upstream -"),
    Scenario("call-timeout", "request: pause; call upstream /call 100 | answer: resume-request").with {
        $0.answer = .never
    },
    Scenario("call-dead", "request: pause; call dead /call | answer: resume-request").with {
        $0.answer = .unreachable
    },
]

private let shared = [
    Scenario(
        "share",
        "request: shared k1; share k1 v; shared k1; swap k1 w; swap k1 x; shared k1; swap k1 y; shared k1"),
    Scenario("swap-new", "request: shared k2; swap k2 a; shared k2"),
    Scenario("shared-empty", "request: share k3; shared k3"),
    Scenario(
        "queue",
        "request: dequeue; enqueue a; enqueue b; dequeue; dequeue; dequeue; find parity; find parity parity-vm; find other"
    ),
    Scenario("queue-ready", "request: listen; pause; enqueue a | queue: dequeue; resume-request"),
    Scenario(
        "counter",
        "request: count t_counter; count t_counter 41; counter t_counter; gauge t_gauge 5; gauge-add t_gauge -2; gauge-add t_gauge 4; histogram t_histogram 7"
    ),
    Scenario(
        "properties",
        "request: property request path; property request method; property request host; property request headers x-t-a; property request url_path; property request query; property request nothing; property nothing; property plugin_root_id; property plugin_vm_id; property plugin_name"
    )
    .with {
        $0.path = "/p?q=1"
        $0.headers = [("x-t-a", "1")]
    },
    Scenario(
        "properties-late",
        "response: property request path; property response headers x-t-a; property request headers x-t-a | log: property request path; property response headers x-t-a"
    )
    .with {
        $0.headers = [("x-t-a", "1")]
        $0.responseHeaders = [("x-t-a", "2")]
    },
    Scenario(
        "set-property",
        "request: property mine; set-property mine 1; property mine; property mine part; set-property mine 2 | response: property mine | log: property mine"
    ),
    Scenario("foreign", "request: foreign no_such_function; foreign clear_route_cache"),
]

private let ends = [
    Scenario("held-end", "done: hold-end; finish"),
    Scenario("throws", "request: fail | response: fail | log: fail"),
    Scenario(
        "disconnect",
        "request: pause | log: get request :path; get response :status | done: get request :path"),
]
