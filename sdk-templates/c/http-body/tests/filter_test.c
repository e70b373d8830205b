#include <string.h>

#include "fake_host.h"

/// Sends a body in two parts, and says what comes out; the caller frees it.
static char *send_in_two(const char *body, size_t cut) {
    char *first = calloc(1, cut + 1), *sent = calloc(2, strlen(body) * 2 + 1);
    CHECK(first != NULL && sent != NULL);
    memcpy(first, body, cut);
    fake_append(PROXY_HTTP_RESPONSE_BODY, first);
    if (proxy_on_response_body(2, fake_size(PROXY_HTTP_RESPONSE_BODY), false) == PROXY_CONTINUE) {
        strcat(sent, fake_buffer(PROXY_HTTP_RESPONSE_BODY));
        fake_drain(PROXY_HTTP_RESPONSE_BODY);
    }
    fake_append(PROXY_HTTP_RESPONSE_BODY, body + cut);
    CHECK(proxy_on_response_body(2, fake_size(PROXY_HTTP_RESPONSE_BODY), true) == PROXY_CONTINUE);
    strcat(sent, fake_buffer(PROXY_HTTP_RESPONSE_BODY));
    free(first);
    return sent;
}

static void finds_a_text_wherever_it_is_cut(void) {
    const char *body = "aaab aab aa b aabaab a";
    for (size_t cut = 0; cut <= strlen(body); cut++) {
        fake_reset();
        CHECK(fake_start("{\"find\": \"aab\", \"replace\": \"-\"}"));
        fake_open(2);
        fake_add(PROXY_HTTP_RESPONSE_HEADERS, "content-length", "22");
        CHECK(proxy_on_response_headers(2, 1, false) == PROXY_CONTINUE);
        CHECK(fake_header(PROXY_HTTP_RESPONSE_HEADERS, "content-length") == NULL);
        char *sent = send_in_two(body, cut);
        CHECK_TEXT(sent, "a- - aa b -- a");
        free(sent);
        fake_close(2);
        fake_stop();
    }
}

static void treats_what_trailers_end(void) {
    fake_reset();
    CHECK(fake_start("{\"find\": \"xyz\"}"));
    fake_open(2);
    CHECK(proxy_on_response_headers(2, 1, false) == PROXY_CONTINUE);
    fake_append(PROXY_HTTP_RESPONSE_BODY, "1xyz2xy");
    CHECK(proxy_on_response_body(2, 7, false) == PROXY_PAUSE);
    CHECK(proxy_on_response_trailers(2, 1) == PROXY_CONTINUE);
    CHECK_TEXT(fake_buffer(PROXY_HTTP_RESPONSE_BODY), "12xy");
    fake_close(2);
    fake_stop();
}

static void leaves_what_is_compressed(void) {
    fake_reset();
    CHECK(fake_start("{\"find\": \"a\"}"));
    fake_open(2);
    fake_add(PROXY_HTTP_RESPONSE_HEADERS, "content-encoding", "gzip");
    fake_add(PROXY_HTTP_RESPONSE_HEADERS, "content-length", "3");
    CHECK(proxy_on_response_headers(2, 2, false) == PROXY_CONTINUE);
    CHECK_TEXT(fake_header(PROXY_HTTP_RESPONSE_HEADERS, "content-length"), "3");
    fake_append(PROXY_HTTP_RESPONSE_BODY, "aba");
    CHECK(proxy_on_response_body(2, 3, true) == PROXY_CONTINUE);
    CHECK_TEXT(fake_buffer(PROXY_HTTP_RESPONSE_BODY), "aba");
    fake_close(2);
    fake_stop();
}

static void refuses(const char *configuration, const char *reason) {
    fake_reset();
    CHECK(!fake_start(configuration));
    CHECK_TEXT(fake.log, reason);
    fake_stop();
}

int main(void) {
    finds_a_text_wherever_it_is_cut();
    treats_what_trailers_end();
    leaves_what_is_compressed();
    refuses("", "find: expected a text, found nothing");
    refuses("{\"find\": \"\"}", "find: expected a text, found an empty one");
    refuses("{\"find\": \"a\", \"replaces\": \"b\"}", "replaces: unknown key");
    puts("all good");
    return 0;
}
