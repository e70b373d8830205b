$ wasme build
building Gate with Swift 6.3.1
…
built gate:0.1.0
module 44.3 KB, Proxy-Wasm ABI v0.2.1
sha256:5f86d9c34e8cc7c74fd12127ad113253ea784825fa8d1aec3bc8a3d4cdea7420
