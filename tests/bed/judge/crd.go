package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"

	"sigs.k8s.io/yaml"

	"istio.io/istio/manifests"
)

const (
	crdFile = "charts/base/files/crd-all.gen.yaml"
	crdName = "\n  name: serviceentries.networking.istio.io\n"
)

// serviceEntryCRD is the one document of Istio's CRD file that defines ServiceEntry.
func serviceEntryCRD() ([]byte, error) {
	all, err := fs.ReadFile(manifests.FS, crdFile)
	if err != nil {
		return nil, err
	}
	for _, document := range bytes.Split(all, []byte("\n---\n")) {
		if bytes.Contains(document, []byte(crdName)) {
			return append(document, '\n'), nil
		}
	}
	return nil, fmt.Errorf("%s defines no ServiceEntry", crdFile)
}

func printCRD(_ io.Reader, out io.Writer) error {
	document, err := serviceEntryCRD()
	if err != nil {
		return err
	}
	asJSON, err := yaml.YAMLToJSON(document)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", asJSON)
	return err
}
