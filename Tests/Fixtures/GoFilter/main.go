// SPDX-License-Identifier: Apache-2.0

// A filter that every proxy loads and that lets everything pass, made with nothing but Go's own library.
package main

func main() {}

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) *byte {
	// What the host writes stays reachable until the module is gone: it asks for nothing but its start.
	memory := make([]byte, size+1)
	allocated = append(allocated, memory)
	return &memory[0]
}

var allocated [][]byte

//go:wasmexport proxy_on_context_create
func createContext(context, parent uint32) {}

//go:wasmexport proxy_on_vm_start
func startVM(context, size uint32) uint32 { return 1 }

//go:wasmexport proxy_on_configure
func configure(context, size uint32) uint32 { return 1 }

//go:wasmexport proxy_on_done
func done(context uint32) uint32 { return 1 }
