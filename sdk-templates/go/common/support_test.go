package main

import (
	"strings"
	"testing"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// startHost starts the plugin in a proxy that is emulated; there is one at a time, until the test ends.
func startHost(t *testing.T, configuration string) proxytest.HostEmulator {
	t.Helper()
	host, status := tryHost(t, configuration)
	if status != types.OnPluginStartStatusOK {
		t.Fatalf("the plugin does not start: %v", host.GetErrorLogs())
	}
	return host
}

func tryHost(t *testing.T, configuration string) (proxytest.HostEmulator, types.OnPluginStartStatus) {
	t.Helper()
	options := proxytest.NewEmulatorOption().WithPluginContext(newPlugin).
		WithPluginConfiguration([]byte(configuration))
	host, reset := proxytest.NewHostEmulator(options)
	t.Cleanup(reset)
	return host, host.StartPlugin()
}

// expectRefusal has a configuration refused, with a reason that holds a text.
func expectRefusal(t *testing.T, configuration, reason string) {
	t.Run(configuration, func(t *testing.T) {
		host, status := tryHost(t, configuration)
		if status != types.OnPluginStartStatusFailed {
			t.Error("is not refused")
		}
		if logs := strings.Join(host.GetErrorLogs(), "\n"); !strings.Contains(logs, reason) {
			t.Errorf("%q says nothing of %q", logs, reason)
		}
	})
}
