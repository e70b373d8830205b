package main

import (
	"fmt"
	"strings"
)

// config is what the filter is told; config.schema.json describes it for its users.
type config struct {
	// The name of the response header to set.
	Header string `json:"header"`
	Value  string `json:"value"`
}

// readConfig reads a configuration; an error says which member is wrong.
func readConfig(text []byte) (config, error) {
	c := config{Header: "hello", Value: "world"}
	if err := readJSON(text, &c); err != nil {
		return config{}, err
	}
	if !isHeaderName(c.Header) {
		return config{}, fmt.Errorf("header: %q is not the name of a header", c.Header)
	}
	if strings.ContainsAny(c.Value, "\x00\r\n") {
		return config{}, fmt.Errorf("value: %q has a character that ends a header", c.Value)
	}
	return c, nil
}

// isHeaderName tells whether a text is a token of RFC 9110, section 5.6.2.
func isHeaderName(text string) bool {
	for _, b := range []byte(text) {
		isAlphanumeric := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
		if !isAlphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(b)) {
			return false
		}
	}
	return text != ""
}
