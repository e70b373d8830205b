// SPDX-License-Identifier: Apache-2.0

import ParityFilter
import ProxyWasm

register(Parity.self)
