// Names of Services as hosts: which Service a host means, and the same host for another Service.
import type { RouteRequest } from './contract.ts';

/** The part that a Service, and every backend that names it, plays for one Canary. */
export type Role = 'apex' | 'primary' | 'canary';

/**
 * True when `host`, used in `namespace`, is the Service `service` of that namespace: `shop`, `shop.web`, `shop.web.svc` or
 * `shop.web.svc.<cluster domain>`, each with or without a last dot (Kubernetes DNS specification).
 */
export function isHostOf(host: string, service: string, namespace: string): boolean {
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  const full = `${service}.${namespace}`;
  return name === service || name === full || name === `${full}.svc` || name.startsWith(`${full}.svc.`);
}

/** The part that `host` plays, seen from the namespace of the Canary; null when it is none of the three Services. */
export function roleOfHost(host: string, request: RouteRequest): Role | null {
  for (const role of ['apex', 'primary', 'canary'] as const) {
    if (isHostOf(host, request.names[role], request.owner.namespace)) return role;
  }
  return null;
}

/** `host`, which names one of the three Services, for another of them, spelt the same way. */
export function retargetHost(host: string, to: Role, request: RouteRequest): string {
  const from = roleOfHost(host, request);
  return from === null ? host : request.names[to] + host.slice(request.names[from].length);
}

/** `Kind "namespace/name"`, for messages. */
export function describeObject(kind: string, namespace: string, name: string): string {
  return `${kind} "${namespace}/${name}"`;
}
