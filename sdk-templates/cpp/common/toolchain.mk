# Finds a C++ compiler for WebAssembly, with a C++ library, and says how it is called. TOOLCHAIN=… chooses:
#
#   wasi-sdk     https://github.com/WebAssembly/wasi-sdk; WASI_SDK_PATH says where it is, if not in /opt/wasi-sdk
#   clang        clang++ 14 or later with Debian's libraries: apt-get install clang lld wasi-libc libc++-dev-wasm32 \
#                libclang-rt-14-dev-wasm32
#   emscripten   em++ 3.1.58 or later; https://emscripten.org
#   zig          zig c++ 0.14 or later; https://ziglang.org

WASI_SDK_PATH ?= /opt/wasi-sdk
CLANGXX ?= clang++
EMXX ?= em++
ZIG ?= zig

DEBIAN_LIBRARIES := /usr/lib/wasm32-wasi
# The builtins that clang itself may call.
BUILTINS := $(lastword $(sort $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a)))

ifeq ($(TOOLCHAIN),)
TOOLCHAIN := $(shell \
    if [ -x "$(WASI_SDK_PATH)/bin/clang++" ]; then echo wasi-sdk; \
    elif [ -f $(DEBIAN_LIBRARIES)/libc++.a ] && [ -n "$(BUILTINS)" ] && command -v $(CLANGXX) >/dev/null; then echo clang; \
    elif command -v $(EMXX) >/dev/null; then echo emscripten; \
    elif command -v $(firstword $(ZIG)) >/dev/null; then echo zig; fi)
endif

EXPORTS := $(CALLBACKS:%=-Wl,--export=%) -Wl,--export=proxy_abi_version_0_2_1 -Wl,--export=malloc
STACK := -Wl,--stack-first -Wl,-z,stack-size=65536
STRIP := $(if $(DEBUG),,-Wl,--strip-all)

comma := ,
empty :=
space := $(empty) $(empty)

ifeq ($(TOOLCHAIN),wasi-sdk)
WASM_CXX := $(WASI_SDK_PATH)/bin/clang++ --target=wasm32-wasip1 -mexec-model=reactor
WASM_LDFLAGS := $(EXPORTS) $(STACK) $(STRIP) -Wl,--allow-undefined
else ifeq ($(TOOLCHAIN),clang)
WASM_CXX := $(CLANGXX) --target=wasm32-wasi --sysroot=/usr -mexec-model=reactor -nostdinc++ \
    -isystem /usr/include/wasm32-wasi/c++/v1
WASM_LDFLAGS := $(EXPORTS) $(STACK) $(STRIP) -Wl,--allow-undefined -nodefaultlibs -L$(DEBIAN_LIBRARIES) -lc++ -lc++abi -lc \
    $(BUILTINS)
else ifeq ($(TOOLCHAIN),emscripten)
WASM_CXX := $(EMXX)
WASM_LDFLAGS := --no-entry -sSTANDALONE_WASM -sALLOW_MEMORY_GROWTH=1 -sINITIAL_HEAP=64KB -sSTACK_SIZE=64KB \
    -sEXPORTED_FUNCTIONS=$(subst $(space),$(comma),$(strip $(CALLBACKS:%=_%) _proxy_abi_version_0_2_1 _malloc)) \
    --js-library $(PROXY_WASM_CPP_SDK)/proxy_wasm_intrinsics.js
else ifeq ($(TOOLCHAIN),zig)
WASM_CXX := $(ZIG) c++ -target wasm32-wasi -mexec-model=reactor
WASM_LDFLAGS := $(EXPORTS) $(STACK) $(STRIP) -Wl,--import-symbols
else ifeq ($(filter test format clean sdk,$(MAKECMDGOALS)),)
$(error there is no C++ compiler for WebAssembly$(if $(TOOLCHAIN), called "$(TOOLCHAIN)"); toolchain.mk says which there are)
endif
