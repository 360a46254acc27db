package main

import (
	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/util"
	"istio.io/istio/pilot/pkg/xds/endpoints"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/host"
)

type clusterView struct {
	Type      string         `json:"type"`
	Endpoints []endpointView `json:"endpoints"`
}

type endpointView struct {
	Address  string `json:"address"`
	Port     uint32 `json:"port"`
	Weight   uint32 `json:"weight"`
	Locality string `json:"locality"`
}

func outboundCluster(name string, port uint32) string {
	return model.BuildSubsetKey(model.TrafficDirectionOutbound, "", host.Name(name), int(port))
}

// clusterViews are the clusters by name, each with its endpoints, whether they come with it or by EDS.
func clusterViews(server *xds.FakeDiscoveryServer, proxy *model.Proxy, clusters []*cluster.Cluster) map[string]*clusterView {
	views := map[string]*clusterView{}
	for _, c := range clusters {
		load := c.GetLoadAssignment()
		if c.GetType() == cluster.Cluster_EDS {
			builder := endpoints.NewEndpointBuilder(c.Name, proxy, server.PushContext())
			load = builder.BuildClusterLoadAssignment(server.Discovery.Env.EndpointIndex)
		}
		views[c.Name] = &clusterView{Type: c.GetType().String(), Endpoints: endpointViews(load)}
	}
	return views
}

func endpointViews(load *endpoint.ClusterLoadAssignment) []endpointView {
	views := []endpointView{}
	for _, locality := range load.GetEndpoints() {
		for _, one := range locality.GetLbEndpoints() {
			for _, address := range addresses(one.GetEndpoint()) {
				socket := address.GetSocketAddress()
				views = append(views, endpointView{
					Address:  socket.GetAddress(),
					Port:     socket.GetPortValue(),
					Weight:   one.GetLoadBalancingWeight().GetValue(),
					Locality: util.LocalityToString(locality.GetLocality()),
				})
			}
		}
	}
	return views
}

func addresses(e *endpoint.Endpoint) []*core.Address {
	all := []*core.Address{e.GetAddress()}
	for _, additional := range e.GetAdditionalAddresses() {
		all = append(all, additional.GetAddress())
	}
	return all
}
