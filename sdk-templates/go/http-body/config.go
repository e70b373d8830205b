package main

import "errors"

// config is what the filter is told; config.schema.json describes it for its users.
type config struct {
	// The text to find in the bodies of responses.
	Find string `json:"find"`
	// What to put in its place.
	Replace string `json:"replace"`
}

// readConfig reads a configuration; an error says which member is wrong.
func readConfig(text []byte) (config, error) {
	var c config
	if err := readJSON(text, &c); err != nil {
		return config{}, err
	}
	if c.Find == "" {
		return config{}, errors.New("find: there must be a text to find")
	}
	return c, nil
}
