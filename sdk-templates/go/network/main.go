package main

import (
	"errors"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// main is never called: a module is a library.
func main() {}

// init runs when a proxy has loaded the module.
func init() {
	proxywasm.SetPluginContext(newPlugin)
}

// plugin lives as long as the configuration.
type plugin struct {
	types.DefaultPluginContext
	config  config
	metrics metrics
}

func newPlugin(uint32) types.PluginContext { return &plugin{} }

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	text, err := proxywasm.GetPluginConfiguration()
	if err != nil && !errors.Is(err, types.ErrorStatusNotFound) {
		proxywasm.LogErrorf("the configuration cannot be read: %v", err)
		return types.OnPluginStartStatusFailed
	}
	if p.config, err = readConfig(text); err != nil {
		proxywasm.LogErrorf("the configuration is refused: %v", err)
		return types.OnPluginStartStatusFailed
	}
	p.metrics = defineMetrics()
	return types.OnPluginStartStatusOK
}
