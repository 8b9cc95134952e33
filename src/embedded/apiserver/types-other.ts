// The members of the types of the other built-in kinds, as facts of the Kubernetes API.

/**
 * One type a paragraph: its name, then `member:type`. Types: s string, i int32, l int64, n number, b boolean, y bytes, q quantity,
 * x integer or string, t time, o anything, Name another type, [T] list, {T} map; `!` before a type: owned as a whole; `?` before
 * a type: a union that honours $retainKeys. In a list, `/a,b` are the keys that name an item (`=`: the value itself) and
 * `~key` the key of strategic merge where it is another. After a member's name, `*` says that it is always there, as a zero value
 * when nobody set it, and `^` that it is there as a null.
 */
export const OTHER_TYPES = `
AggregationRule clusterRoleSelectors:[!LabelSelector]
ClientIPConfig timeoutSeconds:i
ClusterRole aggregationRule:AggregationRule apiVersion:s kind:s metadata*:ObjectMeta rules^:[PolicyRule]
ClusterRoleBinding apiVersion:s kind:s metadata*:ObjectMeta roleRef*:!RoleRef subjects:[!Subject]
Condition lastTransitionTime^:t message*:s observedGeneration:l reason*:s status*:s type*:s
ConfigMap apiVersion:s binaryData:{y} data:{s} immutable:b kind:s metadata*:ObjectMeta
ContainerResourceMetricSource container*:s name*:s target*:MetricTarget
ContainerResourceMetricStatus container*:s current*:MetricValueStatus name*:s
ControllerRevision apiVersion:s data:o kind:s metadata*:ObjectMeta revision*:l
CrossVersionObjectReference apiVersion:s kind*:s name*:s
DaemonSet apiVersion:s kind:s metadata*:ObjectMeta spec*:DaemonSetSpec status*:DaemonSetStatus
DaemonSetCondition lastTransitionTime^:t message:s reason:s status*:s type*:s
DaemonSetSpec minReadySeconds:i revisionHistoryLimit:i selector^:!LabelSelector template*:PodTemplateSpec
  updateStrategy*:DaemonSetUpdateStrategy
DaemonSetStatus collisionCount:i conditions:[DaemonSetCondition/type] currentNumberScheduled*:i
  desiredNumberScheduled*:i numberAvailable:i numberMisscheduled*:i numberReady*:i numberUnavailable:i
  observedGeneration:l updatedNumberScheduled:i
DaemonSetUpdateStrategy rollingUpdate:RollingUpdateDaemonSet type:s
Deployment apiVersion:s kind:s metadata*:ObjectMeta spec*:DeploymentSpec status*:DeploymentStatus
DeploymentCondition lastTransitionTime^:t lastUpdateTime^:t message:s reason:s status*:s type*:s
DeploymentSpec minReadySeconds:i paused:b progressDeadlineSeconds:i replicas:i revisionHistoryLimit:i
  selector^:!LabelSelector strategy*:?DeploymentStrategy template*:PodTemplateSpec
DeploymentStatus availableReplicas:i collisionCount:i conditions:[DeploymentCondition/type] observedGeneration:l
  readyReplicas:i replicas:i terminatingReplicas:i unavailableReplicas:i updatedReplicas:i
DeploymentStrategy rollingUpdate:RollingUpdateDeployment type:s
Endpoint addresses^:[s/=] conditions*:EndpointConditions deprecatedTopology:{s} hints:EndpointHints hostname:s
  nodeName:s targetRef:!ObjectReference zone:s
EndpointAddress hostname:s ip*:s nodeName:s targetRef:!ObjectReference
EndpointConditions ready:b serving:b terminating:b
EndpointHints forNodes:[ForNode] forZones:[ForZone]
EndpointPort appProtocol:s name:s port*:i protocol:s
EndpointSlice addressType*:s apiVersion:s endpoints^:[Endpoint] kind:s metadata*:ObjectMeta ports^:[!SlicePort]
EndpointSubset addresses:[!EndpointAddress] notReadyAddresses:[!EndpointAddress] ports:[!EndpointPort]
Endpoints apiVersion:s kind:s metadata*:ObjectMeta subsets:[EndpointSubset]
Event action:s apiVersion:s count:i eventTime^:t firstTimestamp^:t involvedObject*:!ObjectReference kind:s
  lastTimestamp^:t message:s metadata*:ObjectMeta reason:s related:!ObjectReference reportingComponent*:s
  reportingInstance*:s series:EventSeries source*:EventSource type:s
EventSeries count:i lastObservedTime^:t
EventSource component:s host:s
EventsEvent action:s apiVersion:s deprecatedCount:i deprecatedFirstTimestamp^:t deprecatedLastTimestamp^:t
  deprecatedSource*:EventSource eventTime^:t kind:s metadata*:ObjectMeta note:s reason:s regarding*:!ObjectReference
  related:!ObjectReference reportingController:s reportingInstance:s series:EventsEventSeries type:s
EventsEventSeries count*:i lastObservedTime^:t
ExternalMetricSource metric*:MetricIdentifier target*:MetricTarget
ExternalMetricStatus current*:MetricValueStatus metric*:MetricIdentifier
ForNode name*:s
ForZone name*:s
HPAScalingPolicy periodSeconds*:i type*:s value*:i
HPAScalingRules policies:[HPAScalingPolicy] selectPolicy:s stabilizationWindowSeconds:i tolerance:q
HTTPIngressPath backend*:IngressBackend path:s pathType^:s
HTTPIngressRuleValue paths^:[HTTPIngressPath]
HorizontalPodAutoscaler apiVersion:s kind:s metadata*:ObjectMeta spec*:HorizontalPodAutoscalerSpec
  status*:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerBehavior scaleDown:HPAScalingRules scaleUp:HPAScalingRules
HorizontalPodAutoscalerCondition lastTransitionTime^:t message:s reason:s status*:s type*:s
HorizontalPodAutoscalerSpec behavior:HorizontalPodAutoscalerBehavior maxReplicas*:i metrics:[MetricSpec] minReplicas:i
  scaleTargetRef*:CrossVersionObjectReference
HorizontalPodAutoscalerStatus conditions:[HorizontalPodAutoscalerCondition/type] currentMetrics^:[MetricStatus]
  currentReplicas:i desiredReplicas*:i lastScaleTime:t observedGeneration:l
IPBlock cidr*:s except:[s]
Ingress apiVersion:s kind:s metadata*:ObjectMeta spec*:IngressSpec status*:IngressStatus
IngressBackend resource:!TypedLocalObjectReference service:IngressServiceBackend
IngressLoadBalancerIngress hostname:s ip:s ports:[IngressPortStatus]
IngressLoadBalancerStatus ingress:[IngressLoadBalancerIngress]
IngressPortStatus error:s port*:i protocol*:s
IngressRule host:s http:HTTPIngressRuleValue
IngressServiceBackend name*:s port*:!ServiceBackendPort
IngressSpec defaultBackend:IngressBackend ingressClassName:s rules:[IngressRule] tls:[IngressTLS]
IngressStatus loadBalancer*:IngressLoadBalancerStatus
IngressTLS hosts:[s] secretName:s
Lease apiVersion:s kind:s metadata*:ObjectMeta spec*:LeaseSpec
LeaseSpec acquireTime:t holderIdentity:s leaseDurationSeconds:i leaseTransitions:i preferredHolder:s renewTime:t
  strategy:s
LoadBalancerIngress hostname:s ip:s ipMode:s ports:[PortStatus]
LoadBalancerStatus ingress:[LoadBalancerIngress]
MetricIdentifier name*:s selector:!LabelSelector
MetricSpec containerResource:ContainerResourceMetricSource external:ExternalMetricSource object:ObjectMetricSource
  pods:PodsMetricSource resource:ResourceMetricSource type*:s
MetricStatus containerResource:ContainerResourceMetricStatus external:ExternalMetricStatus object:ObjectMetricStatus
  pods:PodsMetricStatus resource:ResourceMetricStatus type*:s
MetricTarget averageUtilization:i averageValue:q type*:s value:q
MetricValueStatus averageUtilization:i averageValue:q value:q
Namespace apiVersion:s kind:s metadata*:ObjectMeta spec*:NamespaceSpec status*:NamespaceStatus
NamespaceCondition lastTransitionTime^:t message:s reason:s status*:s type*:s
NamespaceSpec finalizers:[s]
NamespaceStatus conditions:[NamespaceCondition/type] phase:s
NetworkPolicy apiVersion:s kind:s metadata*:ObjectMeta spec*:NetworkPolicySpec
NetworkPolicyEgressRule ports:[NetworkPolicyPort] to:[NetworkPolicyPeer]
NetworkPolicyIngressRule from:[NetworkPolicyPeer] ports:[NetworkPolicyPort]
NetworkPolicyPeer ipBlock:IPBlock namespaceSelector:!LabelSelector podSelector:!LabelSelector
NetworkPolicyPort endPort:i port:x protocol:s
NetworkPolicySpec egress:[NetworkPolicyEgressRule] ingress:[NetworkPolicyIngressRule] podSelector*:!LabelSelector
  policyTypes:[s]
ObjectMetricSource describedObject*:CrossVersionObjectReference metric*:MetricIdentifier target*:MetricTarget
ObjectMetricStatus current*:MetricValueStatus describedObject*:CrossVersionObjectReference metric*:MetricIdentifier
ObjectReference apiVersion:s fieldPath:s kind:s name:s namespace:s resourceVersion:s uid:s
PodDisruptionBudget apiVersion:s kind:s metadata*:ObjectMeta spec*:PodDisruptionBudgetSpec
  status*:PodDisruptionBudgetStatus
PodDisruptionBudgetSpec maxUnavailable:x minAvailable:x selector:!LabelSelector unhealthyPodEvictionPolicy:s
PodDisruptionBudgetStatus conditions:[Condition/type] currentHealthy*:i desiredHealthy*:i disruptedPods:{t}
  disruptionsAllowed*:i expectedPods*:i observedGeneration:l
PodTemplateSpec metadata*:ObjectMeta spec*:PodSpec
PodsMetricSource metric*:MetricIdentifier target*:MetricTarget
PodsMetricStatus current*:MetricValueStatus metric*:MetricIdentifier
PolicyRule apiGroups:[s] nonResourceURLs:[s] resourceNames:[s] resources:[s] verbs^:[s]
PortStatus error:s port*:i protocol*:s
ReplicaSet apiVersion:s kind:s metadata*:ObjectMeta spec*:ReplicaSetSpec status*:ReplicaSetStatus
ReplicaSetCondition lastTransitionTime^:t message:s reason:s status*:s type*:s
ReplicaSetSpec minReadySeconds:i replicas:i selector^:!LabelSelector template*:PodTemplateSpec
ReplicaSetStatus availableReplicas:i conditions:[ReplicaSetCondition/type] fullyLabeledReplicas:i observedGeneration:l
  readyReplicas:i replicas*:i terminatingReplicas:i
ReplicationController apiVersion:s kind:s metadata*:ObjectMeta spec*:ReplicationControllerSpec
  status*:ReplicationControllerStatus
ReplicationControllerCondition lastTransitionTime^:t message:s reason:s status*:s type*:s
ReplicationControllerSpec minReadySeconds:i replicas:i selector:!{s} template:PodTemplateSpec
ReplicationControllerStatus availableReplicas:i conditions:[ReplicationControllerCondition/type]
  fullyLabeledReplicas:i observedGeneration:l readyReplicas:i replicas*:i
ResourceMetricSource name*:s target*:MetricTarget
ResourceMetricStatus current*:MetricValueStatus name*:s
Role apiVersion:s kind:s metadata*:ObjectMeta rules^:[PolicyRule]
RoleBinding apiVersion:s kind:s metadata*:ObjectMeta roleRef*:!RoleRef subjects:[!Subject]
RoleRef apiGroup*:s kind*:s name*:s
RollingUpdateDaemonSet maxSurge:x maxUnavailable:x
RollingUpdateDeployment maxSurge:x maxUnavailable:x
RollingUpdateStatefulSetStrategy maxUnavailable:x partition:i
Secret apiVersion:s data:{y} immutable:b kind:s metadata*:ObjectMeta stringData:{s} type:s
Service apiVersion:s kind:s metadata*:ObjectMeta spec*:ServiceSpec status*:ServiceStatus
ServiceAccount apiVersion:s automountServiceAccountToken:b imagePullSecrets:[!LocalObjectReference] kind:s
  metadata*:ObjectMeta secrets:[!ObjectReference/name]
ServiceBackendPort name:s number:i
ServicePort appProtocol:s name:s nodePort:i port*:i protocol:s targetPort*:x
ServiceSpec allocateLoadBalancerNodePorts:b clusterIP:s clusterIPs:[s] externalIPs:[s] externalName:s
  externalTrafficPolicy:s healthCheckNodePort:i internalTrafficPolicy:s ipFamilies:[s] ipFamilyPolicy:s
  loadBalancerClass:s loadBalancerIP:s loadBalancerSourceRanges:[s] ports:[ServicePort/port,protocol]
  publishNotReadyAddresses:b selector:!{s} sessionAffinity:s sessionAffinityConfig:SessionAffinityConfig
  trafficDistribution:s type:s
ServiceStatus conditions:[Condition/type] loadBalancer*:LoadBalancerStatus
SessionAffinityConfig clientIP:ClientIPConfig
SlicePort appProtocol:s name:s port:i protocol:s
StatefulSet apiVersion:s kind:s metadata*:ObjectMeta spec*:StatefulSetSpec status*:StatefulSetStatus
StatefulSetCondition lastTransitionTime^:t message:s reason:s status*:s type*:s
StatefulSetOrdinals start*:i
StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted:s whenScaled:s
StatefulSetSpec minReadySeconds:i ordinals:StatefulSetOrdinals
  persistentVolumeClaimRetentionPolicy:StatefulSetPersistentVolumeClaimRetentionPolicy podManagementPolicy:s
  replicas:i revisionHistoryLimit:i selector^:!LabelSelector serviceName*:s template*:PodTemplateSpec
  updateStrategy*:StatefulSetUpdateStrategy volumeClaimTemplates:[PersistentVolumeClaim]
StatefulSetStatus availableReplicas*:i collisionCount:i conditions:[StatefulSetCondition/type] currentReplicas:i
  currentRevision:s observedGeneration:l readyReplicas:i replicas*:i updateRevision:s updatedReplicas:i
StatefulSetUpdateStrategy rollingUpdate:RollingUpdateStatefulSetStrategy type:s
Subject apiGroup:s kind*:s name*:s namespace:s
`;
