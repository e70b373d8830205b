// SPDX-License-Identifier: Apache-2.0
#ifndef WASME_CCRYPT_SHIM_H
#define WASME_CCRYPT_SHIM_H

#include <crypt.h>

#endif
