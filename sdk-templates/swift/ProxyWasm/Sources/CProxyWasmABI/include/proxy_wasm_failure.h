// SPDX-License-Identifier: Apache-2.0
//
// What a failed host call is called in a log. In C, because a module that does next to nothing needs it as well, and
// this takes a third of what Swift makes of it.

#ifndef PROXY_WASM_FAILURE_H
#define PROXY_WASM_FAILURE_H

#include <stddef.h>
#include <stdint.h>

/// `cannot <operation> "<subject>": <reason>` in memory of the module, or null if there is none.
///
/// The subject may be null; a status that the ABI does not name is given by its number.
uint8_t *proxy_wasm_describe_failure(const uint8_t *operation, size_t operation_size, const uint8_t *subject,
                                     size_t subject_size, uint32_t status, size_t *size);

#endif
