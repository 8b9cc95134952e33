// Services: cluster addresses, ports, and what may not change.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import type { Engine } from './engine.ts';
import { isSame, listAt, type Members, objectAt, shareWith, textAt } from './json.ts';
import { isPort } from './pod-check.ts';
import { withDefaults } from './pod-defaults.ts';
import { duplicate, type FieldProblem, invalidValue, notSupported, required } from './status.ts';
import type { Strategy } from './strategy-types.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const NODE_PORT_FIRST = 30_000;
const NODE_PORT_COUNT = 2_768;

/** Hooks of Services. */
export const serviceStrategy: Strategy = {
  default(object) {
    const given = objectAt(object, 'spec');
    const type = textAt(given, 'type') || 'ClusterIP';
    const isExternal = type === 'ExternalName';
    const isOutside = type === 'NodePort' || type === 'LoadBalancer';
    const spec = withDefaults(given, {
      type,
      sessionAffinity: 'None',
      ...(isExternal ? {} : { internalTrafficPolicy: 'Cluster' }),
      ...(isOutside ? { externalTrafficPolicy: 'Cluster' } : {}),
      ...(type === 'LoadBalancer' ? { allocateLoadBalancerNodePorts: true } : {}),
    });
    const next: Members = { ...spec };
    if (Array.isArray(given['ports'])) next['ports'] = listAt(given, 'ports').map(defaultPort);
    const shared = shareWith(given, next);
    return shared === object['spec'] ? object : { ...object, spec: shared };
  },
  prepare(engine, next, old) {
    const spec = allocate(engine, objectAt(next, 'spec'), old === null ? null : objectAt(old, 'spec'));
    const placed: KubeObject = spec === next['spec'] ? next : { ...next, spec };
    return old === null ? { ...placed, status: { loadBalancer: {} } } : placed;
  },
  validate(next, old) {
    const spec = objectAt(next, 'spec');
    if (old !== null && spec === old['spec']) return [];
    return [...checkPorts(spec), ...checkType(spec), ...checkAddress(spec, old)];
  },
  isReturnedByDelete: true,
  isCreatedByUpdate: true,
};

function defaultPort(port: unknown): unknown {
  if (!isObject(port)) return port;
  const based = withDefaults(port, { protocol: 'TCP', targetPort: port['port'] });
  return based['targetPort'] === 0 || based['targetPort'] === '' ? { ...based, targetPort: port['port'] } : based;
}

function allocate(engine: Engine, spec: Members, old: Members | null): Members {
  if (textAt(spec, 'type') === 'ExternalName') return spec;
  const held = textAt(old, 'clusterIP');
  const clusterIP = textAt(spec, 'clusterIP') || held || nextAddress(engine);
  const isHeadless = clusterIP === 'None';
  const hasSelector = spec['selector'] !== undefined;
  const isDual = isHeadless && !hasSelector;
  const next = withDefaults(spec, {
    clusterIP,
    clusterIPs: [clusterIP],
    ipFamilies: isDual ? ['IPv4', 'IPv6'] : ['IPv4'],
    ipFamilyPolicy: isDual ? 'RequireDualStack' : 'SingleStack',
  });
  if (textAt(spec, 'type') !== 'NodePort' && textAt(spec, 'type') !== 'LoadBalancer') return next;
  const before = listAt(old, 'ports');
  const ports = listAt(next, 'ports').map((port) => (isObject(port) ? withNodePort(engine, port, before) : port));
  return shareWith(next, { ...next, ports });
}

function withNodePort(engine: Engine, port: Members, before: readonly unknown[]): Members {
  const held = before.find(
    (item) => isObject(item) && item['port'] === port['port'] && item['protocol'] === port['protocol'],
  );
  const known = isObject(held) ? held['nodePort'] : undefined;
  return withDefaults(port, {
    nodePort: known ?? NODE_PORT_FIRST + Math.floor(engine.random.next() * NODE_PORT_COUNT),
  });
}

/** Addresses are counted up from 10.96.0.2 and never used twice in a server's life. */
function nextAddress(engine: Engine): string {
  engine.addresses.count += 1;
  const number = engine.addresses.count + 1;
  return `10.96.${(number >> 8) & 255}.${number & 255}`;
}

function checkPorts(spec: Members): FieldProblem[] {
  const ports = listAt(spec, 'ports');
  const isPortless = textAt(spec, 'type') === 'ExternalName' || textAt(spec, 'clusterIP') === 'None';
  if (ports.length === 0) return isPortless ? [] : [required('spec.ports')];
  const problems: FieldProblem[] = [];
  const seen = new Set<string>();
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const path = `spec.ports[${index}]`;
    const members = isObject(port) ? port : {};
    const name = textAt(members, 'name');
    if (name === '' && ports.length > 1) problems.push(required(`${path}.name`));
    if (name !== '' && names.has(name)) problems.push(duplicate(`${path}.name`, name));
    names.add(name);
    if (!isPort(members['port'])) problems.push(rangeProblem(`${path}.port`, members['port'] ?? 0));
    const target = members['targetPort'];
    if (typeof target === 'number' && !isPort(target)) problems.push(rangeProblem(`${path}.targetPort`, target));
    if (!PROTOCOLS.includes(textAt(members, 'protocol'))) {
      problems.push(notSupported(`${path}.protocol`, members['protocol'], PROTOCOLS));
    }
    const key = `${String(members['protocol'])}/${String(members['port'])}`;
    if (seen.has(key)) problems.push(duplicate(path, members));
    seen.add(key);
  }
  return problems;
}

function rangeProblem(field: string, value: unknown): FieldProblem {
  return invalidValue(field, value, 'must be between 1 and 65535, inclusive');
}

function checkType(spec: Members): FieldProblem[] {
  const type = textAt(spec, 'type');
  if (!TYPES.includes(type)) return [notSupported('spec.type', type, TYPES)];
  if (type === 'ExternalName' && textAt(spec, 'externalName') === '') return [required('spec.externalName')];
  return [];
}

function checkAddress(spec: Members, old: KubeObject | null): FieldProblem[] {
  const before = objectAt(old, 'spec');
  const [held, given] = [textAt(before, 'clusterIP'), textAt(spec, 'clusterIP')];
  if (old === null || held === '' || textAt(before, 'type') === 'ExternalName') return [];
  if (held === given && isSame(spec['clusterIPs'], before['clusterIPs'])) return [];
  if (textAt(spec, 'type') === 'ExternalName') return [];
  return [invalidValue('spec.clusterIPs[0]', [given], 'may not change once set')];
}
