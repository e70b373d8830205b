// SPDX-License-Identifier: Apache-2.0

#ifndef C_PROXY_WASM_ABI_H
#define C_PROXY_WASM_ABI_H

#include "proxy_wasm_abi.h"
#include "proxy_wasm_exports.h"
#include "proxy_wasm_failure.h"
#include "proxy_wasm_heap.h"

#endif
