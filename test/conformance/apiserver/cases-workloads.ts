// Cases: what is particular to workloads.
import type { ApiCase } from './case-runner.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  MERGE,
  PODS,
  STRATEGIC,
  configMap,
  deployment,
  failure,
  of,
  patch,
  pod,
  post,
  wrongField,
} from './case-kit.ts';

/** The cases of this file. */
export const WORKLOAD_CASES: readonly ApiCase[] = [
  of('a Deployment is defaulted', [post(DEPLOYMENTS, deployment('a'))], 201, {
    spec: {
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      template: {
        spec: {
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 30,
          dnsPolicy: 'ClusterFirst',
          schedulerName: 'default-scheduler',
          securityContext: {},
          containers: [
            {
              name: 'main',
              image: 'app:1',
              imagePullPolicy: 'IfNotPresent',
              resources: {},
              terminationMessagePath: '/dev/termination-log',
              terminationMessagePolicy: 'File',
              ports: [{ containerPort: 80, protocol: 'TCP' }],
            },
          ],
        },
      },
    },
    status: {},
  }),
  of('the tag latest is pulled always', [post(PODS, pod('a', { containers: [{ name: 'm', image: 'app' }] }))], 201, {
    spec: { containers: [{ imagePullPolicy: 'Always' }] },
  }),
  of(
    'probes are defaulted',
    [post(PODS, pod('a', { containers: [{ name: 'm', image: 'app:1', readinessProbe: { httpGet: { port: 80 } } }] }))],
    201,
    {
      spec: {
        containers: [
          {
            readinessProbe: {
              httpGet: { path: '/', port: 80, scheme: 'HTTP' },
              timeoutSeconds: 1,
              periodSeconds: 10,
              successThreshold: 1,
              failureThreshold: 3,
            },
          },
        ],
      },
    },
  ),
  of(
    'volumes are defaulted',
    [
      post(
        PODS,
        pod('a', {
          volumes: [
            { name: 'c', configMap: { name: 'x' } },
            { name: 's', secret: { secretName: 'y' } },
          ],
        }),
      ),
    ],
    201,
    { spec: { volumes: [{ configMap: { defaultMode: 420 } }, { secret: { defaultMode: 420 } }] } },
  ),
  of(
    'quantities become canonical',
    [
      post(
        PODS,
        pod('a', {
          containers: [
            {
              name: 'm',
              image: 'app:1',
              resources: { limits: { cpu: 1, memory: '1024Mi' }, requests: { cpu: '0.1', memory: '0.5Gi' } },
            },
          ],
        }),
      ),
    ],
    201,
    {
      spec: {
        containers: [
          { resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '512Mi' } } },
        ],
      },
    },
  ),
  of(
    'a service account is there under both names',
    [
      post(
        DEPLOYMENTS,
        deployment('a', {
          template: {
            metadata: { labels: { app: 'a' } },
            spec: { serviceAccountName: 'x', containers: [{ name: 'm', image: 'i' }] },
          },
        }),
      ),
    ],
    201,
    { spec: { template: { spec: { serviceAccountName: 'x', serviceAccount: 'x' } } } },
  ),
  of('unknown members of a Deployment are dropped', [post(DEPLOYMENTS, deployment('a', { future: 1 }))], 201, {
    spec: { future: '{{absent}}' },
  }),
  of(
    'unknown members of a Deployment are refused when asked',
    [post(`${DEPLOYMENTS}?fieldValidation=Strict`, deployment('a', { future: 1 }))],
    400,
    failure(
      'BadRequest',
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.future"',
    ),
  ),
  of(
    'a wrong type in a Deployment',
    [post(DEPLOYMENTS, deployment('a', { replicas: 'x' }))],
    400,
    failure(
      'BadRequest',
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ),
  ),
  of(
    'a wrong type in a ConfigMap',
    [post(CONFIG_MAPS, configMap('a', { k: 1 }))],
    400,
    failure(
      'BadRequest',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    ),
  ),
  of(
    'negative replicas',
    [post(DEPLOYMENTS, deployment('a', { replicas: -1 }))],
    422,
    wrongField('spec.replicas', 'FieldValueInvalid', 'Invalid value: -1: must be greater than or equal to 0'),
  ),
  of(
    'an empty Deployment',
    [post(DEPLOYMENTS, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec: {} })],
    422,
    {
      details: {
        causes: [
          { field: 'spec.selector', message: 'Required value' },
          {
            field: 'spec.template.metadata.labels',
            message: 'Invalid value: null: `selector` does not match template `labels`',
          },
          { field: 'spec.template.spec.containers', message: 'Required value' },
        ],
      },
    },
  ),
  of(
    'a selector that does not fit',
    [post(DEPLOYMENTS, deployment('a', { selector: { matchLabels: { app: 'other' } } }))],
    422,
    wrongField(
      'spec.template.metadata.labels',
      'FieldValueInvalid',
      'Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ),
  ),
  of(
    'the selector cannot change',
    [
      post(DEPLOYMENTS, deployment('a')),
      patch(`${DEPLOYMENTS}/a`, MERGE, {
        spec: { selector: { matchLabels: { app: 'b' } }, template: { metadata: { labels: { app: 'b' } } } },
      }),
    ],
    422,
    wrongField('spec.selector', 'FieldValueInvalid', 'Invalid value: {"matchLabels":{"app":"b"}}: field is immutable'),
  ),
  of(
    'two containers of one name',
    [
      post(
        PODS,
        pod('a', {
          containers: [
            { name: 'm', image: 'i' },
            { name: 'm', image: 'i' },
          ],
        }),
      ),
    ],
    422,
    wrongField('spec.containers[1].name', 'FieldValueDuplicate', 'Duplicate value: "m"'),
  ),
  of(
    'a pod without containers',
    [post(PODS, pod('a', { containers: [] }))],
    422,
    wrongField('spec.containers', 'FieldValueRequired', 'Required value'),
  ),
  of(
    'the image of a pod may change',
    [post(PODS, pod('a')), patch(`${PODS}/a`, STRATEGIC, { spec: { containers: [{ name: 'main', image: 'app:2' }] } })],
    200,
    { spec: { containers: [{ image: 'app:2' }] }, metadata: { generation: 2 } },
  ),
  of(
    'the node of a pod may not',
    [post(PODS, pod('a')), patch(`${PODS}/a`, STRATEGIC, { spec: { nodeName: 'n' } })],
    422,
    {
      reason: 'Invalid',
      details: {
        causes: [
          {
            field: 'spec',
            reason: 'FieldValueForbidden',
            message: '/^Forbidden: pod updates may not change fields other than/',
          },
        ],
      },
    },
  ),
  of('a pod is pending at first', [post(PODS, pod('a'))], 201, {
    status: { phase: 'Pending', qosClass: 'BestEffort' },
    metadata: { generation: 1 },
  }),
  of(
    'a ControllerRevision cannot change',
    [
      post('/apis/apps/v1/namespaces/{{ns}}/controllerrevisions', {
        metadata: { name: 'a' },
        data: { x: 1 },
        revision: 1,
      }),
      patch('/apis/apps/v1/namespaces/{{ns}}/controllerrevisions/a', MERGE, { data: { x: 2 } }),
    ],
    422,
    wrongField('data', 'FieldValueInvalid', 'Invalid value: {"x":2}: field is immutable'),
  ),
  of(
    'a ReplicaSet is defaulted',
    [
      post('/apis/apps/v1/namespaces/{{ns}}/replicasets', {
        metadata: { name: 'a' },
        spec: {
          selector: { matchLabels: { app: 'a' } },
          template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'm', image: 'i' }] } },
        },
      }),
    ],
    201,
    { spec: { replicas: 1 }, status: { replicas: 0 } },
  ),
  of(
    'an autoscaler is defaulted',
    [
      post('/apis/autoscaling/v2/namespaces/{{ns}}/horizontalpodautoscalers', {
        metadata: { name: 'a' },
        spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' }, maxReplicas: 3 },
      }),
    ],
    201,
    {
      spec: {
        minReplicas: 1,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
        ],
      },
      status: { desiredReplicas: 0, currentMetrics: null },
      metadata: { generation: '{{absent}}' },
    },
  ),
  of(
    'an autoscaler with bounds that cross',
    [
      post('/apis/autoscaling/v2/namespaces/{{ns}}/horizontalpodautoscalers', {
        metadata: { name: 'a' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' },
          minReplicas: 5,
          maxReplicas: 3,
        },
      }),
    ],
    422,
    wrongField(
      'spec.maxReplicas',
      'FieldValueInvalid',
      'Invalid value: 3: must be greater than or equal to `minReplicas`',
    ),
  ),
];
