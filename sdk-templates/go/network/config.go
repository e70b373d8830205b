package main

import (
	"bytes"
	"errors"
)

// config is what the filter is told; config.schema.json describes it for its users.
type config struct {
	// What a client has to begin with.
	Prefix string `json:"prefix"`
}

// readConfig reads a configuration; an error says which member is wrong.
func readConfig(text []byte) (config, error) {
	var c config
	if err := readJSON(text, &c); err != nil {
		return config{}, err
	}
	if c.Prefix == "" {
		return config{}, errors.New("prefix: an empty one would let everybody in")
	}
	return c, nil
}

// verdict is what becomes of a connection.
type verdict int

const (
	// There are too few bytes yet.
	wait verdict = iota
	accept
	refuse
)

// judge goes by all bytes of the client so far.
func (c config) judge(data []byte, isEnd bool) verdict {
	prefix := []byte(c.Prefix)
	switch {
	case bytes.HasPrefix(data, prefix):
		return accept
	case bytes.HasPrefix(prefix, data) && !isEnd:
		return wait
	default:
		return refuse
	}
}
