#include "fake_host.h"

static void adds_the_default_header(void) {
    fake_reset();
    CHECK(fake_start(""));
    fake_open(2);
    fake_add(PROXY_HTTP_RESPONSE_HEADERS, ":status", "200");
    CHECK(proxy_on_response_headers(2, 1, true) == PROXY_CONTINUE);
    CHECK_TEXT(fake_header(PROXY_HTTP_RESPONSE_HEADERS, "hello"), "world");
    CHECK_TEXT(fake_header(PROXY_HTTP_RESPONSE_HEADERS, ":status"), "200");
    fake_close(2);
    fake_stop();
}

static void replaces_the_header_of_the_server(void) {
    fake_reset();
    CHECK(fake_start("{\"header\": \"x-filtered\", \"value\": \"y\\u00e9s\"}"));
    fake_open(2);
    fake_add(PROXY_HTTP_RESPONSE_HEADERS, "x-filtered", "no");
    CHECK(proxy_on_response_headers(2, 1, false) == PROXY_CONTINUE);
    CHECK_TEXT(fake_header(PROXY_HTTP_RESPONSE_HEADERS, "x-filtered"), "y\xC3\xA9s");
    // A stream may outlive its plugin.
    fake_stop();
    fake_close(2);
}

static void refuses(const char *configuration, const char *reason) {
    fake_reset();
    CHECK(!fake_start(configuration));
    CHECK_TEXT(fake.log, reason);
    fake_stop();
}

int main(void) {
    adds_the_default_header();
    replaces_the_header_of_the_server();
    refuses("{\"header\": 1}", "header: expected a text, found a number");
    refuses("{\"header\": \"not a token\"}", "header: expected the name of a header");
    refuses("{\"value\": \"two\\nlines\"}", "value: expected a text without NUL, CR and LF");
    refuses("{\"colour\": \"red\"}", "colour: unknown key");
    refuses("{\"value\": \"\\ud800\"}", "the configuration is no JSON: half of a surrogate pair, at byte 17");
    refuses("[]", "expected an object, found a list");
    puts("all good");
    return 0;
}
