package main

import (
	"errors"
	"fmt"
	"strings"
)

// config is what the filter is told; config.schema.json describes it for its users.
type config struct {
	// The cluster of the service to ask.
	Cluster string `json:"cluster"`
	// The path to ask.
	Path string `json:"path"`
	// How long to wait for an answer.
	TimeoutMilliseconds uint32 `json:"timeoutMilliseconds"`
}

// readConfig reads a configuration; an error says which member is wrong.
func readConfig(text []byte) (config, error) {
	c := config{Path: "/", TimeoutMilliseconds: 1000}
	if err := readJSON(text, &c); err != nil {
		return config{}, err
	}
	if c.Cluster == "" {
		return config{}, errors.New("cluster: there must be a service to ask")
	}
	if !isPath(c.Path) {
		return config{}, fmt.Errorf("path: %q is not a path", c.Path)
	}
	if c.TimeoutMilliseconds < 1 || c.TimeoutMilliseconds > 60000 {
		return config{}, fmt.Errorf("timeoutMilliseconds: %d is not between 1 and 60000", c.TimeoutMilliseconds)
	}
	return c, nil
}

func isPath(text string) bool {
	isOther := func(r rune) bool { return r <= ' ' || r > '~' }
	return strings.HasPrefix(text, "/") && !strings.ContainsFunc(text, isOther)
}
