// SPDX-License-Identifier: Apache-2.0
//
// libcurl, loaded when its first function is called.
//
// Linked in the usual way, libcurl and the thirty libraries behind it take a third of the time in which a command that
// sends no request is over (Docs/decisions/0010). Here stand functions with libcurl's names, hidden from everything but
// the program they are linked into; each hands its call to the real one. Where there is no libcurl, they fail in the
// way that libcurl's own functions do, and curl_global_init is the first.

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>

// Hidden, so that libcurl's own calls do not come here; without macros that look at the types of options.
#pragma GCC visibility push(hidden)
#define CURL_DISABLE_TYPECHECK
#include "shim.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo

#ifdef __APPLE__
static const char *const library_name = "libcurl.4.dylib";
#else
// The name of the interface since 2006; Debian's GnuTLS build has another one.
static const char *const library_name = "libcurl.so.4";
#endif

// Result, name, parameters, arguments, and what is answered without libcurl.
#define FUNCTIONS(F)                                                                                          \
    F(CURLcode, curl_global_init, (long flags), (flags), CURLE_FAILED_INIT)                                   \
    F(CURL *, curl_easy_init, (void), (), NULL)                                                               \
    F(const char *, curl_easy_strerror, (CURLcode code), (code), "libcurl is missing")                        \
    F(CURLM *, curl_multi_init, (void), (), NULL)                                                             \
    F(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *easy), (multi, easy), CURLM_INTERNAL_ERROR)     \
    F(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL *easy), (multi, easy), CURLM_INTERNAL_ERROR)  \
    F(CURLMcode, curl_multi_perform, (CURLM * multi, int *running), (multi, running), CURLM_INTERNAL_ERROR)   \
    F(CURLMcode, curl_multi_poll,                                                                             \
      (CURLM * multi, struct curl_waitfd extra[], unsigned count, int milliseconds, int *ready),              \
      (multi, extra, count, milliseconds, ready), CURLM_INTERNAL_ERROR)                                       \
    F(CURLMcode, curl_multi_wakeup, (CURLM * multi), (multi), CURLM_INTERNAL_ERROR)                           \
    F(CURLMsg *, curl_multi_info_read, (CURLM * multi, int *queued), (multi, queued), NULL)                   \
    F(CURLMcode, curl_multi_cleanup, (CURLM * multi), (multi), CURLM_INTERNAL_ERROR)                          \
    F(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *text), (list, text), NULL)

static struct {
#define FIELD(Result, name, parameters, arguments, failure) Result(*name) parameters;
    FUNCTIONS(FIELD)
    void (*curl_easy_cleanup)(CURL *);
    void (*curl_slist_free_all)(struct curl_slist *);
    CURLcode (*curl_easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*curl_easy_getinfo)(CURL *, CURLINFO, ...);
} real;

static void load(void) {
    void *library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    // A function that an old libcurl does not have stays null, and fails when it is called.
#define FIND(Result, name, parameters, arguments, failure) *(void **)&real.name = dlsym(library, #name);
    FUNCTIONS(FIND)
    FIND(, curl_easy_cleanup, , , )
    FIND(, curl_slist_free_all, , , )
    FIND(, curl_easy_setopt, , , )
    FIND(, curl_easy_getinfo, , , )
}

static void load_once(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
}

#define FORWARD(Result, name, parameters, arguments, failure)                                                 \
    Result name parameters {                                                                                  \
        load_once();                                                                                          \
        return real.name ? real.name arguments : failure;                                                     \
    }
FUNCTIONS(FORWARD)

void curl_easy_cleanup(CURL *easy) {
    load_once();
    if (real.curl_easy_cleanup) real.curl_easy_cleanup(easy);
}

void curl_slist_free_all(struct curl_slist *list) {
    load_once();
    if (real.curl_slist_free_all) real.curl_slist_free_all(list);
}

// The number of an option says of what type its value is.
CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...) {
    load_once();
    if (!real.curl_easy_setopt) return CURLE_FAILED_INIT;
    va_list values;
    va_start(values, option);
    CURLcode result;
    if (option < CURLOPTTYPE_OBJECTPOINT) {
        result = real.curl_easy_setopt(easy, option, va_arg(values, long));
    } else if (option < CURLOPTTYPE_OFF_T || option >= CURLOPTTYPE_BLOB) {
        result = real.curl_easy_setopt(easy, option, va_arg(values, void *));
    } else {
        result = real.curl_easy_setopt(easy, option, va_arg(values, curl_off_t));
    }
    va_end(values);
    return result;
}

CURLcode curl_easy_getinfo(CURL *easy, CURLINFO what, ...) {
    load_once();
    if (!real.curl_easy_getinfo) return CURLE_FAILED_INIT;
    va_list values;
    va_start(values, what);
    CURLcode result = real.curl_easy_getinfo(easy, what, va_arg(values, void *));
    va_end(values);
    return result;
}

#pragma GCC visibility pop
