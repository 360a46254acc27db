// plain-host MODULE.wasm translate|plan|validate < requests > answers: a request a line, an answer a line.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Host is one instance of the module, for one goroutine at a time.
type Host struct{ module api.Module }

// NewHost compiles and instantiates the module in the file.
func NewHost(ctx context.Context, path string) (*Host, error) {
	code, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	module, err := wazero.NewRuntime(ctx).Instantiate(ctx, code)
	return &Host{module}, err
}

// Call has the function answer a request. After an error the instance is not to be used again.
func (h *Host) Call(ctx context.Context, function string, request []byte) ([]byte, error) {
	size := uint64(len(request))
	ptr, err := h.number(ctx, "alloc", size)
	if err != nil {
		return nil, err
	}
	if !h.module.Memory().Write(uint32(ptr), request) {
		return nil, errors.New("the request does not fit where alloc said")
	}
	place, err := h.number(ctx, function, ptr, size)
	if err != nil {
		return nil, err
	}
	if _, err := h.number(ctx, "free", ptr, size); err != nil {
		return nil, err
	}
	view, ok := h.module.Memory().Read(uint32(place>>32), uint32(place))
	if !ok {
		return nil, errors.New("the answer is beyond the memory")
	}
	answer := bytes.Clone(view)
	_, err = h.number(ctx, "free", place>>32, uint64(uint32(place)))
	return answer, err
}

// The result of an export; 0 where it has none.
func (h *Host) number(ctx context.Context, name string, arguments ...uint64) (uint64, error) {
	function := h.module.ExportedFunction(name)
	if function == nil {
		return 0, fmt.Errorf("the module exports no %s", name)
	}
	results, err := function.Call(ctx, arguments...)
	return append(results, 0)[0], err
}

func run(ctx context.Context) error {
	if len(os.Args) != 3 {
		return errors.New("usage: plain-host MODULE.wasm translate|plan|validate")
	}
	host, err := NewHost(ctx, os.Args[1])
	if err != nil {
		return err
	}
	for input := bufio.NewReader(os.Stdin); ; {
		line, err := input.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		} else if err != nil && err != io.EOF {
			return err
		}
		answer, err := host.Call(ctx, os.Args[2], bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return err
		}
		if _, err := os.Stdout.Write(append(answer, '\n')); err != nil {
			return err
		}
	}
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
