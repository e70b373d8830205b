// SPDX-License-Identifier: Apache-2.0
#ifndef WASME_CCMARK_SHIM_H
#define WASME_CCMARK_SHIM_H

#include <cmark-gfm.h>
#include <cmark-gfm-core-extensions.h>

#endif
