package main

import (
	"slices"
	"testing"
)

func TestSetsTheHeader(t *testing.T) {
	for _, test := range []struct {
		configuration string
		expected      [2]string
	}{
		{"", [2]string{"hello", "world"}},
		{"{}", [2]string{"hello", "world"}},
		{`{"header": "x-filtered", "value": "yes"}`, [2]string{"x-filtered", "yes"}},
	} {
		t.Run(test.configuration, func(t *testing.T) {
			host := startHost(t, test.configuration)
			id := host.InitializeHttpContext()
			host.CallOnRequestHeaders(id, [][2]string{{":path", "/"}}, true)
			host.CallOnResponseHeaders(id, [][2]string{{":status", "404"}, {"x-filtered", "no"}}, true)
			headers := host.GetCurrentResponseHeaders(id)
			if !slices.Contains(headers, test.expected) || !slices.Contains(headers, [2]string{":status", "404"}) {
				t.Errorf("the headers are %v", headers)
			}
			if test.expected[0] == "x-filtered" && slices.Contains(headers, [2]string{"x-filtered", "no"}) {
				t.Errorf("the server's header is still there: %v", headers)
			}
		})
	}
}

func TestRefusesABadConfiguration(t *testing.T) {
	for configuration, reason := range map[string]string{
		`{"header": "two words"}`:             "header: ",
		`{"header": ""}`:                      "header: ",
		`{"value": "one\r\nset-cookie: two"}`: "value: ",
		`{"value": 7}`:                        "value: ",
		`{"heeder": "x-filtered"}`:            "heeder",
		`{"header":`:                          "JSON",
		`{} {}`:                               "JSON",
		`7`:                                   "object",
	} {
		expectRefusal(t, configuration, reason)
	}
}
