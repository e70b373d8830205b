package main

import (
	"errors"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func (p *plugin) NewTcpContext(uint32) types.TcpContext { return &filter{plugin: p} }

// filter sees one connection.
type filter struct {
	types.DefaultTcpContext
	plugin  *plugin
	verdict verdict
}

func (f *filter) OnDownstreamData(size int, endOfStream bool) types.Action {
	if f.verdict == wait {
		f.decide(size, endOfStream)
	}
	if f.verdict == accept {
		return types.ActionContinue
	}
	return types.ActionPause
}

// decide looks at all bytes so far: the proxy keeps what a filter does not let pass.
func (f *filter) decide(size int, endOfStream bool) {
	data, err := proxywasm.GetDownstreamData(0, size)
	if err != nil && !errors.Is(err, types.ErrorStatusNotFound) {
		proxywasm.LogErrorf("the bytes cannot be read: %v", err)
		return
	}
	f.verdict = f.plugin.config.judge(data, endOfStream)
	switch f.verdict {
	case accept:
		f.plugin.metrics.accepted.Increment(1)
	case refuse:
		f.plugin.metrics.refused.Increment(1)
		if err := proxywasm.CloseDownstream(); err != nil {
			proxywasm.LogErrorf("the connection cannot be closed: %v", err)
		}
	}
}
