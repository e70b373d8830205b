package main

import (
	"slices"
	"testing"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func TestReplacesAText(t *testing.T) {
	for _, test := range []struct {
		configuration string
		chunks        []string
		expected      string
	}{
		{`{"find": "cat", "replace": "horse"}`, []string{"cat, catalogue"}, "horse, horsealogue"},
		{`{"find": "needle", "replace": "pin"}`, []string{"hay nee", "dle"}, "hay pin"},
		{`{"find": "--"}`, []string{"a--b----"}, "ab"},
		{`{"find": "a", "replace": "aa"}`, []string{"banana"}, "baanaanaa"},
		{`{"find": "cat", "replace": "horse"}`, []string{"a dog"}, "a dog"},
	} {
		t.Run(test.expected, func(t *testing.T) {
			host := startHost(t, test.configuration)
			id := host.InitializeHttpContext()
			host.CallOnResponseHeaders(id, [][2]string{{":status", "200"}, {"content-length", "99"}}, false)
			if headers := host.GetCurrentResponseHeaders(id); slices.Contains(headers, [2]string{"content-length", "99"}) {
				t.Errorf("the old length is still there: %v", headers)
			}
			for index, chunk := range test.chunks {
				isLast := index == len(test.chunks)-1
				action := host.CallOnResponseBody(id, []byte(chunk), isLast)
				if isLast != (action == types.ActionContinue) {
					t.Errorf("%q: the action is %v", chunk, action)
				}
			}
			if body := string(host.GetCurrentResponseBody(id)); body != test.expected {
				t.Errorf("%s: %q became %q", test.configuration, test.chunks, body)
			}
		})
	}
}

func TestRefusesABadConfiguration(t *testing.T) {
	for configuration, reason := range map[string]string{
		"":                                     "find: ",
		"{}":                                   "find: ",
		`{"find": "", "replace": "x"}`:         "find: ",
		`{"find": 7}`:                          "find: ",
		`{"find": "cat", "replaces": "horse"}`: "replaces",
		`{"find":`:                             "JSON",
	} {
		expectRefusal(t, configuration, reason)
	}
}
