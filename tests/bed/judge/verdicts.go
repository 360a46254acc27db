package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/go-multierror"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	crdvalidation "istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/validation"
)

// verdict is what the webhook (admission) and the API server (CRD and CEL) would answer together.
type verdict struct {
	Name     string   `json:"name"`
	Errors   []string `json:"errors"`
	Warnings []string `json:"warnings"`
}

func verdicts(in io.Reader, out io.Writer) error {
	schema, err := newCRDValidator()
	if err != nil {
		return err
	}
	return answerLines(in, out, func(line []byte) any { return judge(schema, line) })
}

// newCRDValidator goes by way of a file because that is the only reader that the package offers.
func newCRDValidator() (*crdvalidation.Validator, error) {
	document, err := serviceEntryCRD()
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "serviceentry-crd-*.yaml")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(document); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	return crdvalidation.NewValidatorFromFiles(file.Name())
}

func judge(schema *crdvalidation.Validator, document []byte) verdict {
	v := verdict{Errors: []string{}, Warnings: []string{}}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(document); err != nil {
		v.Errors = append(v.Errors, fmt.Sprintf("no object: %v", err))
		return v
	}
	v.Name = object.GetName()

	warnings, err := admit(document)
	v.Warnings = append(v.Warnings, messages("admission", warnings)...)
	v.Errors = append(v.Errors, messages("admission", err)...)
	v.Errors = append(v.Errors, messages("crd", schema.ValidateCustomResource(object))...)
	return v
}

// admit does what Istio's validating webhook does with a ServiceEntry.
func admit(document []byte) (validation.Warning, error) {
	config, err := parseEntry(document)
	if err != nil {
		return nil, err
	}
	return validation.ValidateServiceEntry(config)
}

func messages(judge string, err error) []string {
	if err == nil {
		return nil
	}
	all := []error{err}
	if several := new(multierror.Error); errors.As(err, &several) {
		all = several.Errors
	}
	out := make([]string, 0, len(all))
	for _, one := range all {
		out = append(out, judge+": "+one.Error())
	}
	return out
}
