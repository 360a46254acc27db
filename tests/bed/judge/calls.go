package main

import (
	"fmt"
	"net/netip"
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	"istio.io/istio/pilot/pkg/simulation"
	"istio.io/istio/pkg/config/protocol"
)

const (
	// anyAddress stands for whatever a client's resolver says of a service that has no IP address.
	anyAddress = "192.0.2.1"
	// mostCalls bounds the calls to one port: each costs a walk through all listeners.
	mostCalls = 20
)

// callView is where a client's call ends up. Reached says whether that is the cluster of the host and port it called.
type callView struct {
	To       string `json:"to"`
	Listener string `json:"listener"`
	Cluster  string `json:"cluster"`
	Reached  bool   `json:"reached"`
	Error    string `json:"error,omitempty"`
}

// callEach calls a port at each of the entry's addresses, and at those of its endpoints, which is what Cloud Map's own
// DNS answers.
func callEach(envoy *simulation.Simulation, entry *networking.ServiceEntry, host string, port *networking.ServicePort) []callView {
	views := []callView{}
	for _, address := range callable(entry) {
		result := envoy.Run(call(address, host, port))
		view := callView{To: address, Listener: result.ListenerMatched, Cluster: result.ClusterMatched}
		view.Reached = result.ClusterMatched == outboundCluster(host, port.Number)
		if result.Error != nil {
			view.Error = result.Error.Error()
		}
		views = append(views, view)
	}
	return views
}

func callable(entry *networking.ServiceEntry) []string {
	addresses := slices.Clone(entry.Addresses)
	for _, endpoint := range entry.Endpoints {
		if len(addresses) == mostCalls {
			break
		}
		if isIP(endpoint.Address) && !slices.Contains(addresses, endpoint.Address) {
			addresses = append(addresses, endpoint.Address)
		}
	}
	if len(addresses) == 0 {
		return []string{anyAddress}
	}
	return addresses
}

// call is what a client of that protocol sends.
func call(address, host string, port *networking.ServicePort) simulation.Call {
	call := simulation.Call{
		Address:  address,
		Port:     int(port.Number),
		Protocol: simulation.TCP,
		CallMode: simulation.CallModeOutbound,
	}
	switch kind := protocol.Parse(port.Protocol); {
	case kind.IsHTTP2():
		call.Protocol, call.HostHeader = simulation.HTTP2, authority(host, port.Number)
	case kind.IsHTTP():
		call.Protocol, call.HostHeader = simulation.HTTP, authority(host, port.Number)
	case kind.IsTLS():
		call.TLS, call.Sni = simulation.TLS, host
	}
	return call
}

// authority is what clients write into the Host header: the port too, unless it is the default one.
func authority(host string, port uint32) string {
	if port == 80 {
		return host
	}
	return fmt.Sprintf("%s:%d", host, port)
}

func isIP(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}
