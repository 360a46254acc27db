package main

import (
	"encoding/json"
	"io"

	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/gvk"
	"istio.io/istio/pkg/test"
)

// priced is the answer to a list of worlds: what each but the first makes Istio push, or why there is no answer.
type priced struct {
	Pushes []pushed `json:"pushes"`
	Error  string   `json:"error,omitempty"`
}

// pushed says which hosts' endpoints are pushed, and which hosts cost a full push.
type pushed struct {
	Endpoints []string `json:"endpoints"`
	Full      []string `json:"full"`
}

func pushes(in io.Reader, out io.Writer) error {
	quiet()
	return answerLines(in, out, func(line []byte) any {
		var worlds [][]json.RawMessage
		if err := json.Unmarshal(line, &worlds); err != nil {
			return priced{Error: err.Error()}
		}
		answer := priced{Pushes: []pushed{}}
		if err := answer.price(worlds); err != nil {
			return priced{Error: err.Error()}
		}
		return answer
	})
}

// price lets a new control plane see the worlds, one after the other.
func (p *priced) price(documents [][]json.RawMessage) error {
	worlds := make([][]config.Config, 0, len(documents))
	for _, world := range documents {
		entries, err := parseWorld(world, pushedNamespace)
		if err != nil {
			return err
		}
		worlds = append(worlds, entries)
	}
	return test.Wrap(func(t test.Failer) {
		plane := newPlane(t)
		stored := map[string]bool{}
		for i, world := range worlds {
			stored = plane.become(world, stored)
			if push := plane.settle(); i > 0 {
				p.Pushes = append(p.Pushes, push)
			}
		}
	})
}

const pushedNamespace = "world"

// become writes what differs from the world whose names are stored, as a client of the API server would.
func (p *plane) become(world []config.Config, stored map[string]bool) map[string]bool {
	names := map[string]bool{}
	for _, entry := range world {
		names[entry.Name] = true
		if stored[entry.Name] {
			p.must(p.store.Update(entry))
		} else {
			p.must(p.store.Create(entry))
		}
	}
	for name := range stored {
		if !names[name] {
			p.must("", p.store.Delete(gvk.ServiceEntry, name, pushedNamespace, nil))
		}
	}
	return names
}
