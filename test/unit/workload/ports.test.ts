// Port discovery as Flagger does it (U14), without the Services that an API server refuses.
import { describe, expect, it } from 'vitest';
import { aCanary } from '../../support/canary-fixtures.ts';
import { portsOf } from '../../../src/workload/ports.ts';
import type { ServicePort } from '../../../src/workload/ports.ts';

const podinfo = {
  spec: {
    initContainers: [{ name: 'init', ports: [{ containerPort: 1 }] }],
    containers: [
      {
        name: 'podinfo',
        ports: [
          { name: 'http', containerPort: 9898 },
          { name: 'http-metrics', containerPort: 8080 },
          { containerPort: 8888 },
        ],
      },
      { name: 'istio-proxy', ports: [{ name: 'http-envoy-prom', containerPort: 15_090 }] },
      { name: 'envoy', ports: [{ containerPort: 9901 }] },
    ],
  },
};

function discover(service: Record<string, unknown>, template: unknown = podinfo): readonly ServicePort[] {
  return portsOf(
    aCanary({ spec: { service: { targetPort: undefined, portDiscovery: true, ...service } } }).service,
    template,
  );
}
const shown = (ports: readonly ServicePort[]): string[] =>
  ports.map(({ name, port, targetPort }) => `${name} ${port}->${targetPort}`);

describe('ports', () => {
  it('are discovered at every container that is no proxy (U14)', () => {
    expect(shown(discover({ port: 9898 }))).toEqual([
      'http 9898->9898',
      'http-metrics 8080->8080',
      'tcp-podinfo-2 8888->8888',
    ]);
  });

  it('leave out the one that targetPort names, by number or by name (U14)', () => {
    expect(shown(discover({ port: 80, targetPort: 9898 }))).toEqual([
      'http 80->9898',
      'http-metrics 8080->8080',
      'tcp-podinfo-2 8888->8888',
    ]);
    expect(shown(discover({ port: 80, targetPort: 'http' }))).toEqual([
      'http 80->http',
      'http-metrics 8080->8080',
      'tcp-podinfo-2 8888->8888',
    ]);
  });

  it('are only the one of the spec without discovery, with its name and protocol', () => {
    const service = aCanary({
      spec: { service: { port: 50_051, portName: 'grpc', targetPort: 'grpc', appProtocol: 'grpc' } },
    }).service;
    expect(portsOf(service, podinfo)).toEqual([
      { name: 'grpc', port: 50_051, targetPort: 'grpc', appProtocol: 'grpc' },
    ]);
  });

  it('never use a number or a name twice, and are TCP only', () => {
    const containers = [
      {
        name: 'a',
        ports: [
          { name: 'web', containerPort: 80 },
          { name: 'http', containerPort: 81 },
          { name: 'dns', containerPort: 53, protocol: 'UDP' },
        ],
      },
      { name: 'b', ports: [{ name: 'dns-tcp', containerPort: 53, protocol: 'TCP' }, { containerPort: 81 }] },
    ];
    expect(shown(discover({ port: 80, targetPort: 8080 }, { spec: { containers } }))).toEqual([
      'http 80->8080',
      'tcp-a-1 81->81',
      'dns-tcp 53->53',
    ]);
  });
});
