package main

import (
	"fmt"
	"testing"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func TestAsksTheService(t *testing.T) {
	for _, test := range []struct {
		answer [][2]string
		// Zero if the request passes.
		status uint32
		user   string
	}{
		{answer: [][2]string{{":status", "200"}, {"x-user", "alice"}}, user: "alice"},
		{answer: [][2]string{{":status", "200"}}},
		{answer: [][2]string{{":status", "401"}}, status: 403},
		{answer: [][2]string{{":status", "500"}}, status: 503},
		{answer: nil, status: 503},
	} {
		t.Run(fmt.Sprint(test.answer), func(t *testing.T) {
			host := startHost(t, `{"cluster": "users", "path": "/check"}`)
			id := host.InitializeHttpContext()
			action := host.CallOnRequestHeaders(id, [][2]string{
				{":method", "POST"}, {":path", "/shop"}, {"authorization", "Bearer abc"}, {"x-user", "mallory"},
			}, true)
			if action != types.ActionPause {
				t.Fatalf("the request does not wait: %v", action)
			}
			calls := host.GetCalloutAttributesFromContext(id)
			if len(calls) != 1 || calls[0].Upstream != "users" {
				t.Fatalf("the calls are %v", calls)
			}
			for name, expected := range map[string]string{
				":method": "GET", ":path": "/check", "x-original-path": "/shop", "authorization": "Bearer abc",
			} {
				if found := value(calls[0].Headers, name); found != expected {
					t.Errorf("the service is told %q as %s", found, name)
				}
			}
			host.CallOnHttpCallResponse(calls[0].CalloutID, test.answer, nil, nil)
			response := host.GetSentLocalResponse(id)
			switch {
			case test.status == 0 && response != nil:
				t.Errorf("is answered with %d", response.StatusCode)
			case test.status == 0:
				if action := host.GetCurrentHttpStreamAction(id); action != types.ActionContinue {
					t.Error("the request still waits")
				}
				if user := value(host.GetCurrentRequestHeaders(id), "x-user"); user != test.user {
					t.Errorf("the user is %q", user)
				}
			case response == nil || response.StatusCode != test.status:
				t.Errorf("the answer is %v", response)
			}
		})
	}
}

func TestRefusesABadConfiguration(t *testing.T) {
	for configuration, reason := range map[string]string{
		`{"path": "/check"}`:                                "cluster: ",
		`{"cluster": "users", "path": "check"}`:             "path: ",
		`{"cluster": "users", "path": "/a b"}`:              "path: ",
		`{"cluster": "users", "timeoutMilliseconds": 0}`:    "timeoutMilliseconds: ",
		`{"cluster": "users", "timeoutMilliseconds": -1}`:   "timeoutMilliseconds: ",
		`{"cluster": "users", "timeoutMilliseconds": "1s"}`: "timeoutMilliseconds: ",
		`{"cluster": "users", "timeout": 1}`:                "timeout",
		`{"cluster":`:                                       "JSON",
	} {
		expectRefusal(t, configuration, reason)
	}
}
