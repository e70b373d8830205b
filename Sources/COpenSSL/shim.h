// SPDX-License-Identifier: Apache-2.0
#ifndef WASME_COPENSSL_SHIM_H
#define WASME_COPENSSL_SHIM_H

#include <openssl/err.h>
#include <openssl/evp.h>

#endif
