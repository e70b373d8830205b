// SPDX-License-Identifier: Apache-2.0
#ifndef WASME_CARCHIVE_SHIM_H
#define WASME_CARCHIVE_SHIM_H

#include <archive.h>
#include <archive_entry.h>

#endif
