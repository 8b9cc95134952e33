// The ports of the generated Services: the one of spec.service first, discovered container ports after it.
import type { ServiceSpec } from '../api/types.ts';
import type { RouteRequest } from '../mesh/contract.ts';
import { listOf, numberOf, textOf } from './fields.ts';
import { LABEL_MAX } from './names.ts';

export type ServicePort = RouteRequest['ports'][number];

/** Containers that proxies inject; their ports are not the application's. */
const SIDECARS: readonly string[] = ['istio-proxy', 'envoy'];

/**
 * The Service's own port and, with port discovery, every TCP container port (Flagger's rule): not those of proxies, not
 * the one that spec.service stands for. Unnamed ports become `tcp-<container>-<index>`. Beyond it, a name or a number is
 * never used twice, because the API server refuses such a Service.
 */
export function portsOf(service: ServiceSpec, template: unknown): readonly ServicePort[] {
  const first: ServicePort = {
    name: service.portName,
    port: service.port,
    targetPort: service.targetPort,
    appProtocol: service.appProtocol,
  };
  const ports = [first];
  if (!service.portDiscovery) return ports;
  for (const container of listOf(template, 'spec', 'containers')) {
    if (SIDECARS.includes(textOf(container, 'name'))) continue;
    for (const [index, entry] of listOf(container, 'ports').entries()) {
      const port = numberOf(entry, 'containerPort');
      const protocol = textOf(entry, 'protocol') || 'TCP';
      if (port === null || protocol !== 'TCP' || isOwnPort(service, port, textOf(entry, 'name'))) continue;
      if (ports.some((taken) => taken.port === port)) continue;
      const fallback = `tcp-${textOf(container, 'name')}-${index}`.slice(0, LABEL_MAX).replace(/-+$/, '');
      const named = textOf(entry, 'name') || fallback;
      const name = ports.some((taken) => taken.name === named) ? fallback : named;
      ports.push({ name, port, targetPort: port, appProtocol: null });
    }
  }
  return ports;
}

/** `targetPort` equals `port` when the user left it unset, so one comparison covers both of Flagger's. */
function isOwnPort(service: ServiceSpec, port: number, name: string): boolean {
  return typeof service.targetPort === 'number' ? port === service.targetPort : name === service.targetPort;
}
