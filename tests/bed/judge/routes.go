package main

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"

	networking "istio.io/api/networking/v1alpha3"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/simulation"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/constants"
	"istio.io/istio/pkg/config/schema/gvk"
	"istio.io/istio/pkg/test"
)

// routed is the answer to a list of worlds: what a sidecar in each of them gets, or why there is no answer.
type routed struct {
	Worlds [][]serviceView `json:"worlds"`
	Error  string          `json:"error,omitempty"`
}

// serviceView is what a sidecar gets of one host.
type serviceView struct {
	Host  string     `json:"host"`
	Ports []portView `json:"ports"`
}

type portView struct {
	Number  uint32       `json:"number"`
	Cluster *clusterView `json:"cluster"`
	Calls   []callView   `json:"calls"`
}

func routes(in io.Reader, out io.Writer) error {
	quiet()
	return answerLines(in, out, func(line []byte) any {
		var worlds [][]json.RawMessage
		if err := json.Unmarshal(line, &worlds); err != nil {
			return routed{Error: err.Error()}
		}
		answer := routed{}
		if err := answer.look(worlds); err != nil {
			return routed{Error: err.Error()}
		}
		return answer
	})
}

// look has one control plane for all worlds. Each is a namespace, and a sidecar sees its own alone.
func (r *routed) look(documents [][]json.RawMessage) error {
	all := []config.Config{ownNamespaceOnly()}
	worlds := make([][]config.Config, 0, len(documents))
	for i, world := range documents {
		entries, err := parseWorld(world, fmt.Sprintf("world-%d", i))
		if err != nil {
			return err
		}
		worlds = append(worlds, entries)
		all = append(all, entries...)
	}
	return test.Wrap(func(t test.Failer) {
		server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{Configs: all})
		for i, entries := range worlds {
			r.Worlds = append(r.Worlds, view(server, fmt.Sprintf("world-%d", i), entries))
		}
	})
}

// ownNamespaceOnly is the Sidecar that holds for every namespace without one.
func ownNamespaceOnly() config.Config {
	return config.Config{
		Meta: config.Meta{GroupVersionKind: gvk.Sidecar, Name: "default", Namespace: constants.IstioSystemNamespace},
		Spec: &networking.Sidecar{Egress: []*networking.IstioEgressListener{{Hosts: []string{"./*"}}}},
	}
}

// view is what a sidecar in a namespace gets of the services that these entries are about.
func view(server *xds.FakeDiscoveryServer, namespace string, entries []config.Config) []serviceView {
	proxy := server.SetupProxy(&model.Proxy{ConfigNamespace: namespace})
	// Envoy's choices as Istio's own tests make them. It needs a testing.T only to fail by.
	envoy := simulation.NewSimulation(new(testing.T), server, proxy)
	clusters := clusterViews(server, proxy, envoy.Clusters)
	services := []serviceView{}
	for _, entry := range entries {
		spec := specOf(entry)
		for _, host := range spec.Hosts {
			service := serviceView{Host: host, Ports: []portView{}}
			for _, port := range spec.Ports {
				service.Ports = append(service.Ports, portView{
					Number:  port.Number,
					Cluster: clusters[outboundCluster(host, port.Number)],
					Calls:   callEach(envoy, spec, host, port),
				})
			}
			services = append(services, service)
		}
	}
	return services
}
