package main

import (
	"encoding/json"
	"fmt"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/collections"
)

// parseEntry reads a ServiceEntry as the API server would hand it to Istio.
func parseEntry(document []byte) (config.Config, error) {
	var object crd.IstioKind
	if err := json.Unmarshal(document, &object); err != nil {
		return config.Config{}, err
	}
	if object.Kind != collections.ServiceEntry.Kind() {
		return config.Config{}, fmt.Errorf("kind is %q, expected %q", object.Kind, collections.ServiceEntry.Kind())
	}
	entry, err := crd.ConvertObject(collections.ServiceEntry, &object, "cluster.local")
	if err != nil {
		return config.Config{}, err
	}
	return *entry, nil
}

// parseWorld reads ServiceEntries into one namespace, the first one as the oldest: of two that claim one thing Istio
// takes the older.
func parseWorld(documents []json.RawMessage, namespace string) ([]config.Config, error) {
	entries := make([]config.Config, 0, len(documents))
	for i, document := range documents {
		entry, err := parseEntry(document)
		if err != nil {
			return nil, fmt.Errorf("entry %d of %s: %w", i, namespace, err)
		}
		entry.Namespace = namespace
		entry.CreationTimestamp = time.Unix(int64(i), 0)
		entries = append(entries, entry)
	}
	return entries, nil
}

func specOf(entry config.Config) *networking.ServiceEntry {
	return entry.Spec.(*networking.ServiceEntry)
}
