// SPDX-License-Identifier: Apache-2.0
#ifndef WASME_CCURL_SHIM_H
#define WASME_CCURL_SHIM_H

#include <curl/curl.h>

#endif
