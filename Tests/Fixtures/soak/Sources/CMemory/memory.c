// SPDX-License-Identifier: Apache-2.0

#include "memory.h"

uint32_t soak_memory_size(void) {
#if defined(__wasm__)
    return (uint32_t)__builtin_wasm_memory_size(0) << 16;
#else
    return 0;
#endif
}
