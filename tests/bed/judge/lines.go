package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// answerLines writes the answer to each line that is read, as JSON, until the input ends.
func answerLines(in io.Reader, out io.Writer, answer func(line []byte) any) error {
	lines := bufio.NewReader(in)
	encoder := json.NewEncoder(out)
	for {
		// A bufio.Scanner has a longest line, and a world has none.
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := encoder.Encode(answer(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
