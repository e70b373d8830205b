// SPDX-License-Identifier: Apache-2.0

extension OpenAPITests {
    /// Requests in an order in which all of them succeed, as whom, and with which body.
    static let samples: [(method: String, path: String, template: String, user: String, body: String?)] = [
        ("get", "account", "account", "eve", nil), ("get", "users", "users", "root", nil),
        ("post", "users", "users", "root", #"{"name":"new","password":"long enough","isAdmin":false}"#),
        ("get", "users/new", "users/{account}", "root", nil),
        ("patch", "users/new", "users/{account}", "root", #"{"isDisabled":true}"#),
        ("put", "account/password", "account/password", "wim", #"{"old":"secret","new":"long enough"}"#),
        (
            "post", "users/eve/tokens", "users/{account}/tokens", "eve",
            #"{"name":"ci","scopes":["acme/*:pull"],"days":3}"#
        ),
        ("get", "users/eve/tokens", "users/{account}/tokens", "eve", nil),
        ("get", "users/eve/sessions", "users/{account}/sessions", "eve", nil),
        ("get", "users/eve/repositories", "users/{account}/repositories", "eve", nil),
        ("post", "organisations", "organisations", "root", #"{"name":"umbrella"}"#),
        ("get", "organisations", "organisations", "ada", nil),
        ("get", "organisations", "organisations", "root", nil),
        ("get", "organisations/acme", "organisations/{organisation}", "rea", nil),
        (
            "get", "organisations/acme/repositories?n=1", "organisations/{organisation}/repositories",
            "rea", nil
        ),
        (
            "post", "organisations/acme/robots", "organisations/{organisation}/robots", "ada",
            #"{"name":"bot"}"#
        ),
        ("get", "organisations/acme/robots", "organisations/{organisation}/robots", "ada", nil),
        (
            "put", "organisations/acme/members/eve", "organisations/{organisation}/members/{member}",
            "ada", #"{"role":"read"}"#
        ),
        ("get", "organisations/acme/members", "organisations/{organisation}/members", "ada", nil),
        (
            "delete", "organisations/acme/members/eve", "organisations/{organisation}/members/{member}",
            "ada", nil
        ),
        (
            "put", "organisations/acme/policy", "organisations/{organisation}/policy", "root",
            #"{"quota":1000000,"keepTags":9}"#
        ),
        ("get", "organisations/acme/policy", "organisations/{organisation}/policy", "ada", nil),
        ("get", "organisations/acme", "organisations/{organisation}", "ada", nil),
        (
            "put", "repositories/acme/secret/members/eve", "repositories/{repository}/members/{member}",
            "ada", #"{"role":"write"}"#
        ),
        ("get", "repositories/acme/secret/members", "repositories/{repository}/members", "ada", nil),
        (
            "put", "repositories/acme/secret/visibility", "repositories/{repository}/visibility", "ada",
            #"{"isPublic":true}"#
        ),
        (
            "get", "repositories/acme/secret/visibility", "repositories/{repository}/visibility", "ada",
            nil
        ),
        (
            "put", "repositories/acme/secret/policy", "repositories/{repository}/policy", "ada",
            #"{"immutableTags":["v*"],"allowsSparse":false,"untaggedLifetime":60}"#
        ),
        ("get", "repositories/acme/secret/policy", "repositories/{repository}/policy", "ada", nil),
        ("get", "policies", "policies", "ada", nil), ("get", "policy", "policy", "root", nil),
        ("get", "audit?n=5", "audit", "root", nil), ("get", "storage", "storage", "root", nil),
        ("post", "collection", "collection", "root", nil),
        ("get", "collection", "collection", "root", nil),
        ("get", "settings", "settings", "root", nil),
        ("get", "facts/acme/open/filter", "facts/{repository}/{reference}", "eve", nil),
        ("get", "pulls/acme/open?days=2", "pulls/{repository}", "eve", nil),
        ("get", "search?q=", "search", "eve", nil), ("get", "openapi.json", "openapi.json", "eve", nil),
        (
            "post", "webhooks", "webhooks", "root",
            #"{"name":"ci","url":"https://ci.internal/hub","events":["manifest.push"],"attempts":3}"#
        ),
        ("get", "webhooks", "webhooks", "root", nil),
        ("get", "webhooks/ci", "webhooks/{webhook}", "root", nil),
        ("post", "webhooks/ci/ping", "webhooks/{webhook}/ping", "root", nil),
        ("get", "webhooks/ci/deliveries", "webhooks/{webhook}/deliveries", "root", nil),
        (
            "patch", "webhooks/ci", "webhooks/{webhook}", "root",
            #"{"url":"https://ci.internal/other","events":["tag.delete"],"attempts":7}"#
        ),
        ("delete", "webhooks/ci", "webhooks/{webhook}", "root", nil),
        (
            "post", "organisations/acme/webhooks", "organisations/{organisation}/webhooks", "ada",
            #"{"name":"ci","url":"https://ci.example.com/hub","secret":"sixteen bytes long","repositories":["acme/*"]}"#
        ),
        ("get", "organisations/acme/webhooks", "organisations/{organisation}/webhooks", "ada", nil),
        (
            "get", "organisations/acme/webhooks/ci", "organisations/{organisation}/webhooks/{webhook}",
            "ada",
            nil
        ),
        (
            "post", "organisations/acme/webhooks/ci/ping",
            "organisations/{organisation}/webhooks/{webhook}/ping", "ada", nil
        ),
        (
            "get", "organisations/acme/webhooks/ci/deliveries?n=5",
            "organisations/{organisation}/webhooks/{webhook}/deliveries", "ada", nil
        ),
        (
            "patch", "organisations/acme/webhooks/ci",
            "organisations/{organisation}/webhooks/{webhook}", "ada",
            #"{"repositories":["acme/open"],"secret":"another sixteen bytes"}"#
        ),
        (
            "delete", "organisations/acme/webhooks/ci",
            "organisations/{organisation}/webhooks/{webhook}", "ada", nil
        ),
        ("delete", "organisations/umbrella", "organisations/{organisation}", "root", nil),
        ("delete", "users/new", "users/{account}", "root", nil),
    ]
}
