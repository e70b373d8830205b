package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func (p *plugin) NewHttpContext(uint32) types.HttpContext { return &filter{plugin: p} }

// filter sees one request, which waits for the service's answer.
type filter struct {
	types.DefaultHttpContext
	plugin *plugin
}

func (f *filter) OnHttpRequestHeaders(int, bool) types.Action {
	// Only the service says whose a request is.
	if err := proxywasm.RemoveHttpRequestHeader("x-user"); err != nil {
		proxywasm.LogErrorf("x-user cannot be removed: %v", err)
		return answer(unknown)
	}
	path, err := proxywasm.GetHttpRequestHeader(":path")
	if err != nil {
		proxywasm.LogErrorf("the path cannot be read: %v", err)
		return answer(unknown)
	}
	config := f.plugin.config
	headers := [][2]string{
		{":method", "GET"}, {":path", config.Path}, {":authority", config.Cluster}, {"x-original-path", path},
	}
	if authorization, err := proxywasm.GetHttpRequestHeader("authorization"); err == nil {
		headers = append(headers, [2]string{"authorization", authorization})
	}
	_, err = proxywasm.DispatchHttpCall(
		config.Cluster, headers, nil, nil, config.TimeoutMilliseconds, f.onAnswer)
	if err != nil {
		proxywasm.LogWarnf("the service %q cannot be called: %v", config.Cluster, err)
		return answer(unknown)
	}
	return types.ActionPause
}

// onAnswer gets the service's answer; without headers there was none.
func (f *filter) onAnswer(numHeaders, _, _ int) {
	var headers [][2]string
	if numHeaders > 0 {
		var err error
		if headers, err = proxywasm.GetHttpCallResponseHeaders(); err != nil {
			proxywasm.LogErrorf("the answer cannot be read: %v", err)
		}
	}
	if verdict := judge(value(headers, ":status")); verdict != pass {
		answer(verdict)
		return
	}
	if user := value(headers, "x-user"); user != "" {
		if err := proxywasm.ReplaceHttpRequestHeader("x-user", user); err != nil {
			proxywasm.LogErrorf("x-user cannot be set: %v", err)
			answer(unknown)
			return
		}
	}
	if err := proxywasm.ResumeHttpRequest(); err != nil {
		proxywasm.LogErrorf("the request cannot go on: %v", err)
	}
}

// verdict is what becomes of a request.
type verdict int

const (
	pass verdict = iota
	deny
	// The service said nothing that helps.
	unknown
)

// judge goes by the status of the service's answer.
func judge(status string) verdict {
	switch {
	case status == "200":
		return pass
	case len(status) == 3 && status[0] == '4':
		return deny
	default:
		return unknown
	}
}

// answer answers a request that does not pass.
func answer(verdict verdict) types.Action {
	status, body := uint32(503), "cannot be checked now\n"
	if verdict == deny {
		status, body = 403, "denied\n"
	}
	headers := [][2]string{{"content-type", "text/plain"}}
	if err := proxywasm.SendHttpResponse(status, headers, []byte(body), -1); err != nil {
		proxywasm.LogErrorf("the request cannot be answered: %v", err)
	}
	return types.ActionPause
}

// value is the value of a header, or nothing.
func value(headers [][2]string, name string) string {
	for _, header := range headers {
		if header[0] == name {
			return header[1]
		}
	}
	return ""
}
