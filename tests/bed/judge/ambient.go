package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"istio.io/api/label"
	clientnetworking "istio.io/client-go/pkg/apis/networking/v1"
	"istio.io/istio/pilot/pkg/features"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/serviceregistry/ambient"
	"istio.io/istio/pilot/pkg/serviceregistry/util/xdsfake"
	"istio.io/istio/pkg/activenotifier"
	"istio.io/istio/pkg/config/constants"
	"istio.io/istio/pkg/config/mesh/meshwatcher"
	"istio.io/istio/pkg/config/schema/gvr"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/kclient/clienttest"
	"istio.io/istio/pkg/kube/krt"
	"istio.io/istio/pkg/kube/multicluster"
	"istio.io/istio/pkg/ptr"
	"istio.io/istio/pkg/test"
	"istio.io/istio/pkg/workloadapi"
)

// found is the answer to a world: what ztunnel finds for each address in it, or why there is no answer.
type found struct {
	Addresses []addressView `json:"addresses"`
	Services  []boundView   `json:"services"`
	Error     string        `json:"error,omitempty"`
}

// addressView is what ztunnel finds for an address: workloads, or else a service.
type addressView struct {
	Address   string `json:"address"`
	Workloads int    `json:"workloads"`
	Service   string `json:"service"`
	// Waypoint says whether what was found sends its traffic through one.
	Waypoint bool `json:"waypoint"`
}

// boundView is the condition istio.io/WaypointBound that Istio writes into an entry's status.
type boundView struct {
	Host  string `json:"host"`
	Bound *bool  `json:"bound"`
}

const (
	ambientNamespace = "world"
	waypointName     = "waypoint"
)

func ambientIndex(in io.Reader, out io.Writer) error {
	quiet()
	features.EnableAmbient, features.EnableAmbientWaypoints = true, true
	return answerLines(in, out, func(line []byte) any {
		var entries []*clientnetworking.ServiceEntry
		if err := json.Unmarshal(line, &entries); err != nil {
			return found{Error: err.Error()}
		}
		answer := found{}
		if err := test.Wrap(func(t test.Failer) { answer.look(t, entries) }); err != nil {
			return found{Error: err.Error()}
		}
		return answer
	})
}

// look gives the entries to a new ambient index, in a namespace with a waypoint, and looks each address up.
func (f *found) look(t test.Failer, entries []*clientnetworking.ServiceEntry) {
	index := newAmbientIndex(t, entries)
	for _, entry := range entries {
		for _, host := range entry.Spec.Hosts {
			info := eventually(t, "service "+host, func() *model.ServiceInfo {
				return index.ServiceInfo(ambientNamespace + "/" + host)
			})
			view := boundView{Host: host}
			if condition := info.GetConditions(nil)[model.WaypointBound]; condition != nil {
				view.Bound = &condition.Status
			}
			f.Services = append(f.Services, view)
		}
		for _, address := range addressesOf(entry) {
			infos := eventually(t, "address "+address, func() *[]model.AddressInfo {
				if infos := index.Lookup("/" + address); len(infos) > 0 {
					return &infos
				}
				return nil
			})
			f.Addresses = append(f.Addresses, viewAddress(address, *infos))
		}
	}
}

// addressesOf are the addresses that a client may call: the entry's own, those that Istio allocated, and the endpoints'.
func addressesOf(entry *clientnetworking.ServiceEntry) []string {
	addresses := slices.Clone(entry.Spec.Addresses)
	for _, allocated := range entry.Status.Addresses {
		addresses = append(addresses, allocated.Value)
	}
	for _, endpoint := range entry.Spec.Endpoints {
		addresses = append(addresses, endpoint.Address)
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}

func viewAddress(address string, infos []model.AddressInfo) addressView {
	view := addressView{Address: address}
	for _, info := range infos {
		switch found := info.Address.Type.(type) {
		// With a service come its workloads.
		case *workloadapi.Address_Service:
			return addressView{Address: address, Service: found.Service.Hostname, Waypoint: found.Service.Waypoint != nil}
		case *workloadapi.Address_Workload:
			view.Workloads++
			view.Waypoint = view.Waypoint || found.Workload.Waypoint != nil
		}
	}
	return view
}

func newAmbientIndex(t test.Failer, entries []*clientnetworking.ServiceEntry) ambient.Index {
	stop := test.NewStop(t)
	client := kube.NewFakeClient()
	for _, kind := range []schema.GroupVersionResource{
		gvr.AuthorizationPolicy, gvr.PeerAuthentication, gvr.KubernetesGateway, gvr.GatewayClass, gvr.WorkloadEntry, gvr.ServiceEntry,
	} {
		clienttest.MakeCRD(t, client, kind)
	}
	clienttest.NewWriter[*corev1.Namespace](t, client).Create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ambientNamespace}})
	clienttest.NewWriter[*gateway.GatewayClass](t, client).Create(&gateway.GatewayClass{
		ObjectMeta: metav1.ObjectMeta{Name: constants.WaypointGatewayClassName},
		Spec:       gateway.GatewayClassSpec{ControllerName: constants.ManagedGatewayMeshController},
	})
	clienttest.NewWriter[*gateway.Gateway](t, client).Create(readyWaypoint())
	writer := clienttest.NewWriter[*clientnetworking.ServiceEntry](t, client)
	for i, entry := range entries {
		entry.Namespace = ambientNamespace
		entry.CreationTimestamp = metav1.Unix(int64(i), 0)
		writer.Create(entry)
	}

	watcher := meshwatcher.NewTestWatcher(nil)
	clusters := multicluster.NewController(multicluster.ControllerOptions{
		Client:          client,
		ClusterID:       client.ClusterID(),
		SystemNamespace: constants.IstioSystemNamespace,
		MeshConfig:      watcher,
		Debugger:        krt.GlobalDebugHandler,
	})
	if err := clusters.Run(stop); err != nil {
		t.Fatal(err)
	}
	index := ambient.New(ambient.Options{
		SystemNamespace:        constants.IstioSystemNamespace,
		DomainSuffix:           constants.DefaultClusterLocalDomain,
		ClusterID:              client.ClusterID(),
		XDSUpdater:             xdsfake.NewFakeXDS(),
		StatusNotifier:         activenotifier.New(false),
		MeshConfig:             watcher,
		Debugger:               krt.GlobalDebugHandler,
		MultiClusterController: clusters,
	})
	client.RunAndWait(stop)
	go index.Run(stop)
	eventually(t, "the index", func() *bool {
		if index.HasSynced() {
			return ptr.Of(true)
		}
		return nil
	})
	return index
}

// readyWaypoint is a waypoint for services, as its deployment would report it.
func readyWaypoint() *gateway.Gateway {
	address := gateway.GatewayStatusAddress{Type: ptr.Of(gateway.IPAddressType), Value: "198.51.100.1"}
	return &gateway.Gateway{
		ObjectMeta: metav1.ObjectMeta{
			Name:      waypointName,
			Namespace: ambientNamespace,
			Labels:    map[string]string{label.IoIstioWaypointFor.Name: constants.ServiceTraffic},
		},
		Spec: gateway.GatewaySpec{
			GatewayClassName: constants.WaypointGatewayClassName,
			Listeners:        []gateway.Listener{{Name: "mesh", Port: 15008, Protocol: "HBONE"}},
		},
		Status: gateway.GatewayStatus{Addresses: []gateway.GatewayStatusAddress{address}},
	}
}

// eventually asks until there is an answer.
func eventually[T any](t test.Failer, what string, ask func() *T) *T {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if answer := ask(); answer != nil {
			return answer
		}
	}
	t.Fatal(fmt.Sprintf("%s never came", what))
	return nil
}
