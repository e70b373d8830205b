// SPDX-License-Identifier: Apache-2.0

#include "proxy_wasm_failure.h"

#include "proxy_wasm_abi.h"

/// One for each status of the ABI, from 0 on, each ended by a line feed.
static const char reasons[] =
    "ok\nnot found\nbad argument\nserialization failure\nparse failure\nbad expression\ninvalid memory access\nempty\n"
    "changed in the meantime\nresult mismatch\ninternal failure of the host\nconnection closed\nnot offered by this host\n";

/// More than the text besides the operation and the subject: the longest reason, or a number of 10 digits.
#define ROOM 64

__attribute__((noinline)) static uint8_t *append(uint8_t *end, const void *bytes, size_t size) {
    return (uint8_t *)__builtin_memcpy(end, bytes, size) + size;
}

uint8_t *proxy_wasm_describe_failure(const uint8_t *operation, size_t operation_size, const uint8_t *subject,
                                     size_t subject_size, uint32_t status, size_t *size) {
    uint8_t *start = proxy_wasm_allocate(operation_size + subject_size + ROOM);
    if (start == NULL) {
        return NULL;
    }
    uint8_t *end = append(start, "cannot ", 7);
    end = append(end, operation, operation_size);
    if (subject != NULL) {
        end = append(end, " \"", 2);
        end = append(end, subject, subject_size);
        end = append(end, "\"", 1);
    }
    end = append(end, ": ", 2);
    const char *reason = reasons;
    for (uint32_t line = status; line != 0 && *reason != 0; reason++) {
        line -= *reason == '\n';
    }
    if (*reason != 0) {
        while (*reason != '\n') {
            *end++ = (uint8_t)*reason++;
        }
    } else {
        end = append(end, "status ", 7);
        uint32_t unit = 1;
        while (status / unit >= 10) {
            unit *= 10;
        }
        for (; unit != 0; unit /= 10) {
            *end++ = (uint8_t)('0' + status / unit % 10);
        }
    }
    *size = (size_t)(end - start);
    return start;
}
