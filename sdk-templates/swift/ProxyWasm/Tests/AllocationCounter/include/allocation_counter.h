// SPDX-License-Identifier: Apache-2.0
//
// Counts what a module allocates: every allocation of the process on this thread while the code of a module runs, and
// not while the emulated host does. Linux only.

#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

/// How many allocations the modules on this thread have made so far.
long allocation_counter_value(void);

#endif
