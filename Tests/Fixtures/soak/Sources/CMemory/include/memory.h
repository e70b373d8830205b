// SPDX-License-Identifier: Apache-2.0

#ifndef SOAK_MEMORY_H
#define SOAK_MEMORY_H

#include <stdint.h>

/// How many bytes of linear memory the module has.
uint32_t soak_memory_size(void);

#endif
