{{- define "serin.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end -}}

{{- define "serin.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{- $name := include "serin.name" . -}}
{{- if contains $name .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "serin.selectorLabels" -}}
app.kubernetes.io/name: {{ include "serin.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "serin.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "serin.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "serin.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "serin.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- define "serin.image" -}}
{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end }}
{{- end -}}

{{- /* The queue's store: embedded, redis or postgres. */ -}}
{{- define "serin.store" -}}
{{ ternary "redis" .Values.queue.store .Values.valkey.enabled }}
{{- end -}}

{{- /* Replicas: as asked, else two where the store can be shared. */ -}}
{{- define "serin.replicas" -}}
{{- if .Values.replicaCount -}}
{{ int .Values.replicaCount }}
{{- else -}}
{{ ternary 1 2 (eq (include "serin.store" .) "embedded") }}
{{- end -}}
{{- end -}}

{{- /* What the container gets: as asked, else by what was measured with its store. */ -}}
{{- define "serin.resources" -}}
{{- if .Values.resources -}}
{{ toYaml .Values.resources }}
{{- else if eq (include "serin.store" .) "embedded" -}}
requests: {cpu: 100m, memory: 768Mi}
limits: {memory: 1536Mi}
{{- else -}}
requests: {cpu: 100m, memory: 256Mi}
limits: {memory: 768Mi}
{{- end -}}
{{- end -}}

{{- /* The Secret with the password of this chart's Valkey. */ -}}
{{- define "serin.valkeySecretName" -}}
{{ default (printf "%s-valkey" (include "serin.fullname" .)) .Values.valkey.existingSecret }}
{{- end -}}

{{- /* Where the pods run, and which images they may pull: for every pod of the chart. */ -}}
{{- define "serin.scheduling" -}}
{{- with .Values.podPriorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecret }}
imagePullSecrets:
  - name: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* The Secret with addresses and keys. */ -}}
{{- define "serin.secretName" -}}
{{ default (include "serin.fullname" .) .Values.existingSecret }}
{{- end -}}

{{- /* A provider's own name for any name of it, Flagger's included; empty for one that is unknown. */ -}}
{{- define "serin.provider" -}}
{{- if has . (list "istio" "gateway-api" "smi" "appmesh-v1beta1" "appmesh-v1beta2" "kubernetes") -}}{{ . }}
{{- else if hasPrefix "gatewayapi:" . -}}gateway-api
{{- else if or (hasPrefix "smi:v1alpha2" .) (eq . "osm") -}}smi
{{- else if hasPrefix "appmesh:v1beta2" . -}}appmesh-v1beta2
{{- else if hasPrefix "appmesh" . -}}appmesh-v1beta1
{{- end -}}
{{- end -}}

{{- /* All rules of the controller, as one list: of the controller itself, of the groups, of the mesh providers. */ -}}
{{- define "serin.rules" -}}
{{- $names := list "controller" -}}
{{- range .Values.apiGroups -}}
{{- $names = append $names (printf "group-%s" .) -}}
{{- end -}}
{{- $providers := .Values.rbac.providers -}}
{{- if and (not $providers) .Values.meshProvider -}}
{{- $providers = list .Values.meshProvider -}}
{{- end -}}
{{- if not $providers -}}
{{- $providers = list "istio" "gateway-api" "smi" "appmesh-v1beta1" "appmesh-v1beta2" "kubernetes" -}}
{{- end -}}
{{- range $providers -}}
{{- $name := include "serin.provider" . -}}
{{- if not $name -}}{{- fail (printf "Cannot grant rights for mesh provider %q: it is unknown, must be one of istio, gateway-api, smi, appmesh-v1beta1, appmesh-v1beta2, kubernetes" .) -}}{{- end -}}
{{- $names = append $names (printf "mesh-%s" $name) -}}
{{- end -}}
{{- $rules := list -}}
{{- $ownerRules := list -}}
{{- range uniq $names -}}
{{- $file := fromYaml ($.Files.Get (printf "files/rbac/%s.yaml" .)) -}}
{{- $rules = concat $rules (default (list) $file.rules) -}}
{{- $ownerRules = concat $ownerRules (default (list) $file.ownerRules) -}}
{{- end -}}
{{ toYaml (ternary (concat $rules $ownerRules) $rules .Values.rbac.ownerReferences) }}
{{- end -}}

{{- define "serin.containerSecurityContext" -}}
{{- $fixed := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) -}}
{{ toYaml (mergeOverwrite $fixed (deepCopy .Values.securityContext)) }}
{{- end -}}
