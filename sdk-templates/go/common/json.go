package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// readJSON reads a configuration into a struct; no text at all is an empty object.
//
// An error about a member begins with its name, as in "value: expected a string, found a number".
func readJSON(text []byte, into any) error {
	if len(text) == 0 {
		text = []byte("{}")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, end := decoder.Token(); !errors.Is(end, io.EOF) {
			return errors.New("this is no JSON: something follows the object")
		}
		return nil
	}
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return fmt.Errorf("%s: expected a %s, found a %s", wrongType.Field, wrongType.Type, wrongType.Value)
	case errors.As(err, &wrongType):
		return fmt.Errorf("expected an object, found a %s", wrongType.Value)
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("this is no JSON: %w", err)
	default:
		return err
	}
}
