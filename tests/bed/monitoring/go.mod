// The Prometheus operator, for its CRDs: nothing of it is built.
module istio-cloud-map/bed/monitoring

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
