// The defaults of pod templates, as the real server adds them.
import { isObject } from '../../util/json.ts';
import { listAt, type Members, objectAt, shareWith, textAt } from './json.ts';

/** Sets members that are absent; gives the same object when none is. */
export function withDefaults(value: Members, defaults: Members): Members {
  let result: Members | null = null;
  for (const [key, given] of Object.entries(defaults)) {
    if (value[key] !== undefined || given === undefined) continue;
    result ??= { ...value };
    result[key] = given;
  }
  return result ?? value;
}

/** A pod template with the defaults of its spec. */
export function defaultTemplate(template: unknown): unknown {
  if (!isObject(template)) return template;
  return shareWith(template, { ...template, spec: defaultPodSpec(objectAt(template, 'spec')) });
}

/** A pod's spec with its defaults. */
export function defaultPodSpec(spec: Members): Members {
  const account = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount');
  const withBase = withDefaults(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...(account === '' ? {} : { serviceAccountName: account, serviceAccount: account }),
  });
  const next: Members = { ...withBase };
  for (const list of ['containers', 'initContainers']) {
    if (Array.isArray(spec[list]))
      next[list] = listAt(spec, list).map((item) => (isObject(item) ? defaultContainer(item) : item));
  }
  if (Array.isArray(spec['volumes']))
    next['volumes'] = listAt(spec, 'volumes').map((item) => (isObject(item) ? defaultVolume(item) : item));
  return shareWith(spec, next);
}

function defaultContainer(container: Members): Members {
  const next: Members = {
    ...withDefaults(container, {
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: pullPolicy(textAt(container, 'image')),
    }),
  };
  if (Array.isArray(container['ports'])) {
    next['ports'] = listAt(container, 'ports').map((port) => (isObject(port) ? defaultPort(port) : port));
  }
  if (Array.isArray(container['env'])) {
    next['env'] = listAt(container, 'env').map((variable) =>
      isObject(variable) ? defaultVariable(variable) : variable,
    );
  }
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    if (isObject(container[probe])) next[probe] = defaultProbe(container[probe]);
  }
  if (isObject(container['lifecycle'])) next['lifecycle'] = defaultLifecycle(container['lifecycle']);
  return next;
}

function pullPolicy(image: string): string {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultPort(port: Members): Members {
  const { hostPort, ...rest } = port;
  return withDefaults(hostPort === 0 ? rest : port, { protocol: 'TCP' });
}

function defaultVariable(variable: Members): Members {
  const source = variable['valueFrom'];
  if (!isObject(source) || !isObject(source['fieldRef'])) return variable;
  return { ...variable, valueFrom: { ...source, fieldRef: withDefaults(source['fieldRef'], { apiVersion: 'v1' }) } };
}

function defaultProbe(probe: Members): Members {
  const base = withDefaults(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  const next: Members = { ...base };
  if (isObject(probe['httpGet'])) next['httpGet'] = withDefaults(probe['httpGet'], { path: '/', scheme: 'HTTP' });
  if (isObject(probe['grpc'])) next['grpc'] = withDefaults(probe['grpc'], { service: '' });
  return next;
}

function defaultLifecycle(lifecycle: Members): Members {
  const next: Members = { ...lifecycle };
  for (const hook of ['postStart', 'preStop']) {
    const handler = lifecycle[hook];
    if (!isObject(handler) || !isObject(handler['httpGet'])) continue;
    next[hook] = { ...handler, httpGet: withDefaults(handler['httpGet'], { path: '/', scheme: 'HTTP' }) };
  }
  return next;
}

const MODE = 420;

function defaultVolume(volume: Members): Members {
  const next: Members = { ...volume };
  for (const source of ['configMap', 'secret', 'downwardAPI', 'projected']) {
    if (isObject(volume[source])) next[source] = withDefaults(volume[source], { defaultMode: MODE });
  }
  if (isObject(volume['hostPath'])) next['hostPath'] = withDefaults(volume['hostPath'], { type: '' });
  if (isObject(next['projected'])) next['projected'] = defaultProjected(next['projected']);
  const isEmpty = Object.keys(volume).every((key) => key === 'name');
  return isEmpty ? { ...next, emptyDir: {} } : next;
}

function defaultProjected(projected: Members): Members {
  const sources = listAt(projected, 'sources').map((source) => {
    if (!isObject(source) || !isObject(source['serviceAccountToken'])) return source;
    return { ...source, serviceAccountToken: withDefaults(source['serviceAccountToken'], { expirationSeconds: 3600 }) };
  });
  return { ...projected, sources };
}
