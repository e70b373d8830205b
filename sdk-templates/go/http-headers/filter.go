package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func (p *plugin) NewHttpContext(uint32) types.HttpContext { return &filter{plugin: p} }

// filter sees one request and its response.
type filter struct {
	types.DefaultHttpContext
	plugin *plugin
}

func (f *filter) OnHttpResponseHeaders(int, bool) types.Action {
	config := f.plugin.config
	if err := proxywasm.ReplaceHttpResponseHeader(config.Header, config.Value); err != nil {
		proxywasm.LogErrorf("the header cannot be set: %v", err)
	}
	return types.ActionContinue
}
