$ wasme deploy envoy gate:0.1.0 --run --config '{"token": "s3cret"}'
live at http://127.0.0.1:8080
admin at http://127.0.0.1:34949 (process 21279)
loaded: 4 virtual machines on 2 workers, wasmcustom.plugin_build.wasme.gate.565eae789442 is set
sha256:5f86d9c34e8cc7c74fd12127ad113253ea784825fa8d1aec3bc8a3d4cdea7420
stop with Ctrl-C
