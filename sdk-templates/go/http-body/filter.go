package main

import (
	"bytes"
	"errors"
	"math"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func (p *plugin) NewHttpContext(uint32) types.HttpContext { return &filter{plugin: p} }

// filter sees one request and its response.
//
// The proxy keeps the body until all of it is there, up to the limit of its buffers.
type filter struct {
	types.DefaultHttpContext
	plugin *plugin
}

func (f *filter) OnHttpResponseHeaders(_ int, endOfStream bool) types.Action {
	if !endOfStream {
		// The length may change.
		if err := proxywasm.RemoveHttpResponseHeader("content-length"); err != nil {
			proxywasm.LogErrorf("the length cannot be removed: %v", err)
		}
	}
	return types.ActionContinue
}

func (f *filter) OnHttpResponseBody(_ int, endOfStream bool) types.Action {
	if !endOfStream {
		return types.ActionPause
	}
	f.replace()
	return types.ActionContinue
}

// OnHttpResponseTrailers comes instead of the end of the body.
func (f *filter) OnHttpResponseTrailers(int) types.Action {
	f.replace()
	return types.ActionContinue
}

func (f *filter) replace() {
	body, err := proxywasm.GetHttpResponseBody(0, math.MaxInt32)
	if errors.Is(err, types.ErrorStatusNotFound) {
		return
	}
	if err != nil {
		proxywasm.LogErrorf("the body cannot be read: %v", err)
		return
	}
	find := []byte(f.plugin.config.Find)
	if !bytes.Contains(body, find) {
		return
	}
	body = bytes.ReplaceAll(body, find, []byte(f.plugin.config.Replace))
	if err := proxywasm.ReplaceHttpResponseBody(body); err != nil {
		proxywasm.LogErrorf("the body cannot be replaced: %v", err)
	}
}
