{{- define "istio-cloud-map.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "istio-cloud-map.fullname" -}}
{{- $name := include "istio-cloud-map.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "istio-cloud-map.selectorLabels" -}}
app.kubernetes.io/name: {{ include "istio-cloud-map.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "istio-cloud-map.labels" -}}
{{ include "istio-cloud-map.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "istio-cloud-map.serviceAccountName" -}}
{{- $default := ternary (include "istio-cloud-map.fullname" .) "default" .Values.serviceAccount.create }}
{{- default $default .Values.serviceAccount.name }}
{{- end }}

{{- define "istio-cloud-map.configMapName" -}}
{{- default (include "istio-cloud-map.fullname" .) .Values.existingConfigMap }}
{{- end }}

{{/* The Kubernetes namespaces of the entries, as a JSON list; empty, if they are not known here. */}}
{{- define "istio-cloud-map.targets" -}}
{{- $default := default .Release.Namespace .Values.config.namespace }}
{{- $targets := list }}
{{- range default (list dict) .Values.config.sources }}
{{- $targets = append $targets (default $default .targetNamespace) }}
{{- end }}
{{- if contains "{" (join "" $targets) }}
{{- /* A template: the entries of all namespaces are watched. */}}
{{- $targets = list }}
{{- else if or .Values.rbac.namespaces .Values.existingConfigMap }}
{{- $targets = .Values.rbac.namespaces }}
{{- end }}
{{- $targets | uniq | sortAlpha | toJson }}
{{- end }}

{{/* The metadata of an object of an optional kind: a dict of root, the values of the kind, and a suffix of the name. */}}
{{- define "istio-cloud-map.metadata" -}}
name: {{ include "istio-cloud-map.fullname" .root }}{{ default "" .suffix }}
namespace: {{ default .root.Release.Namespace .of.namespace }}
labels:
  {{- include "istio-cloud-map.labels" .root | fromYaml | merge (dict) .of.labels | toYaml | nindent 2 }}
{{- with .of.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* How a ServiceMonitor or PodMonitor reads the metrics. */}}
{{- define "istio-cloud-map.scrape" -}}
port: http
path: /metrics
interval: {{ .interval }}
scrapeTimeout: {{ .scrapeTimeout }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
