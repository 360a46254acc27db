package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	"istio.io/istio/pilot/pkg/config/memory"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/serviceregistry/serviceentry"
	"istio.io/istio/pilot/pkg/serviceregistry/util/xdsfake"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/mesh/meshwatcher"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/gvk"
	"istio.io/istio/pkg/config/schema/kind"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/krt"
	"istio.io/istio/pkg/kube/multicluster"
	"istio.io/istio/pkg/test"
)

const (
	// The recorder's words.
	serviceEvent   = "service"
	configEvent    = "xds"
	endpointsEvent = "eds"
	// Ours, for what the endpoint index makes of an endpoints event: the discovery server pushes by that.
	endpointsPush = "push endpoints"
	fullPush      = "push full"

	fenceHost = "fence.judge"
	patience  = 30 * time.Second
)

// plane is the part of a control plane that turns ServiceEntries into pushes, with Istio's recorder in place of the
// proxies.
type plane struct {
	t      test.Failer
	store  model.ConfigStoreController
	events chan xdsfake.Event
	fences int
}

func newPlane(t test.Failer) *plane {
	stop := test.NewStop(t)
	store := memory.NewController(memory.Make(collections.Pilot))
	go store.Run(stop)

	events := make(chan xdsfake.Event, 1<<16)
	index := model.NewEndpointIndexUpdater(model.NewEndpointIndex(model.DisabledCache{}))
	index.ConfigUpdateFunc = func(request *model.PushRequest) {
		for key := range request.ConfigsUpdated {
			push := fullPush
			if key.Kind == kind.Endpoints {
				push = endpointsPush
			}
			events <- xdsfake.Event{Type: push, ID: key.Name}
		}
	}
	recorder := &xdsfake.Updater{Events: events, Delegate: index, SplitEvents: true}

	watcher := meshwatcher.NewTestWatcher(mesh.DefaultMeshConfig())
	client := kube.NewFakeClient()
	clusters := multicluster.NewController(multicluster.ControllerOptions{
		Client:          client,
		ClusterID:       client.ClusterID(),
		SystemNamespace: watcher.Mesh().RootNamespace,
		MeshConfig:      watcher,
		Debugger:        krt.GlobalDebugHandler,
	})
	controller := serviceentry.NewController(store, recorder, clusters, watcher)
	if err := clusters.Run(stop); err != nil {
		t.Fatal(err)
	}
	client.RunAndWait(stop)
	go controller.Run(stop)
	return &plane{t: t, store: store, events: events}
}

func (p *plane) must(_ string, err error) {
	if err != nil {
		p.t.Fatal(fmt.Sprintf("the store refuses: %v", err))
	}
}

// settle waits until all that was written has been seen, and says what it made Istio push.
//
// Istio has two paths, of services and of endpoints, each in order: what was written before a fence is past it when
// the fence itself has come through both.
func (p *plane) settle() pushed {
	p.fences++
	host := fmt.Sprintf("%d.%s", p.fences, fenceHost)
	p.must(p.store.Create(fence(host)))
	answer := pushed{Endpoints: []string{}, Full: []string{}}
	missing := map[string]bool{endpointsEvent: true, configEvent: true}
	deadline := time.After(patience)
	for len(missing) > 0 {
		select {
		case event := <-p.events:
			if event.ID == host {
				delete(missing, event.Type)
			}
			answer.note(event)
		case <-deadline:
			p.t.Fatal(fmt.Sprintf("the fence never came through; missing: %v", missing))
		}
	}
	for len(p.events) > 0 {
		answer.note(<-p.events)
	}
	slices.Sort(answer.Endpoints)
	slices.Sort(answer.Full)
	answer.Endpoints, answer.Full = slices.Compact(answer.Endpoints), slices.Compact(answer.Full)
	return answer
}

func (a *pushed) note(event xdsfake.Event) {
	if strings.HasSuffix(event.ID, fenceHost) {
		return
	}
	switch {
	case event.Type == endpointsPush:
		a.Endpoints = append(a.Endpoints, event.ID)
	// A forced one has a longer word.
	case event.Type == fullPush, event.Type == serviceEvent, strings.HasPrefix(event.Type, configEvent):
		a.Full = append(a.Full, event.ID)
	}
}

func fence(host string) config.Config {
	return config.Config{
		Meta: config.Meta{GroupVersionKind: gvk.ServiceEntry, Name: host, Namespace: pushedNamespace},
		Spec: &networking.ServiceEntry{
			Hosts:      []string{host},
			Ports:      []*networking.ServicePort{{Number: 80, Name: "http", Protocol: "HTTP"}},
			Resolution: networking.ServiceEntry_STATIC,
			Endpoints:  []*networking.WorkloadEntry{{Address: "192.0.2.1"}},
		},
	}
}
