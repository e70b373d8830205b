#include "fake_host.h"

/// Begins a request that waits for the service.
static void begin(void) {
    fake_reset();
    CHECK(fake_start("{\"cluster\": \"users\", \"path\": \"/check\", \"timeoutMilliseconds\": 50}"));
    fake_open(2);
    fake_add(PROXY_HTTP_REQUEST_HEADERS, ":path", "/shop");
    fake_add(PROXY_HTTP_REQUEST_HEADERS, "authorization", "Bearer abc");
    fake_add(PROXY_HTTP_REQUEST_HEADERS, "x-user", "mallory");
    CHECK(proxy_on_request_headers(2, 3, true) == PROXY_PAUSE);
}

/// Lets the service answer; a status of null is no answer.
static void answer(const char *status, const char *user) {
    if (status != NULL) {
        fake_add(PROXY_HTTP_CALL_RESPONSE_HEADERS, ":status", status);
    }
    if (user != NULL) {
        fake_add(PROXY_HTTP_CALL_RESPONSE_HEADERS, "x-user", user);
    }
    fake.effective_context = 1;
    proxy_on_http_call_response(1, fake.call_token, status == NULL ? 0 : 1, 0, 0);
}

static void end(void) {
    fake_close(2);
    fake_stop();
}

static void asks_and_says_whose_it_is(void) {
    begin();
    CHECK_TEXT(fake.call_cluster, "users");
    CHECK(fake.call_timeout == 50);
    CHECK_TEXT(fake_call_header(":path"), "/check");
    CHECK_TEXT(fake_call_header("x-original-path"), "/shop");
    CHECK_TEXT(fake_call_header("authorization"), "Bearer abc");
    CHECK(fake_header(PROXY_HTTP_REQUEST_HEADERS, "x-user") == NULL);
    answer("200", "alice");
    CHECK(fake.effective_context == 2);
    CHECK(fake.continued[PROXY_STREAM_HTTP_REQUEST] == 1);
    CHECK_TEXT(fake_header(PROXY_HTTP_REQUEST_HEADERS, "x-user"), "alice");
    end();
}

static void refuses(const char *status, uint32_t expected, const char *body) {
    begin();
    answer(status, "alice");
    CHECK(fake.response_status == expected);
    CHECK_TEXT(fake.response_body, body);
    CHECK(fake.continued[PROXY_STREAM_HTTP_REQUEST] == 0);
    CHECK(fake_header(PROXY_HTTP_REQUEST_HEADERS, "x-user") == NULL);
    end();
}

static void refuses_without_a_service(void) {
    fake_reset();
    CHECK(fake_start("{\"cluster\": \"nowhere\"}"));
    fake_open(2);
    fake.call_status = PROXY_BAD_ARGUMENT;
    CHECK(proxy_on_request_headers(2, 0, true) == PROXY_PAUSE);
    CHECK(fake.response_status == 503);
    end();
}

static void forgets_a_client_that_has_gone(void) {
    begin();
    fake_close(2);
    answer("200", "alice");
    CHECK(fake.continued[PROXY_STREAM_HTTP_REQUEST] == 0);
    fake_stop();
}

static void refuses_a_configuration(const char *configuration, const char *reason) {
    fake_reset();
    CHECK(!fake_start(configuration));
    CHECK_TEXT(fake.log, reason);
    fake_stop();
}

int main(void) {
    asks_and_says_whose_it_is();
    refuses("401", 403, "denied\n");
    refuses("403", 403, "denied\n");
    refuses("500", 503, "cannot be checked now\n");
    refuses("20", 503, "cannot be checked now\n");
    refuses(NULL, 503, "cannot be checked now\n");
    refuses_without_a_service();
    forgets_a_client_that_has_gone();
    refuses_a_configuration("{\"path\": \"/\"}", "cluster: expected a text, found nothing");
    refuses_a_configuration("{\"cluster\": \"a\", \"path\": \"check\"}", "path: expected a path that begins with \"/\"");
    refuses_a_configuration("{\"cluster\": \"a\", \"timeoutMilliseconds\": 0}",
                            "timeoutMilliseconds: expected an integer from 1 to 60000, found 0");
    puts("all good");
    return 0;
}
