// TCP through the data plane: connections are split by the route and stay where they are.
import { Agent, request as startRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { DataPlane } from '../../../../src/embedded/dataplane/start.ts';
import type { KubeObject } from '../../../../src/kube/contract.ts';
import { NAMESPACE, isWithinBinomial, startRealCluster } from './support.ts';
import type { RealCluster } from './support.ts';

let cluster: RealCluster;
afterEach(async () => {
  await cluster.stop();
  expect(cluster.problems).toEqual([]);
});

/** Until the view has followed the last change. */
function followed(plane: DataPlane): Promise<void> {
  return new Promise((resolve) => {
    const stop = plane.view.onChange(() => {
      stop();
      resolve();
    });
  });
}

describe('connections', () => {
  it('are split by Istio, stay where they are, and go nowhere else', { timeout: 60_000 }, async () => {
    cluster = await startRealCluster('istio');
    const { store, plane } = cluster;
    const port = await plane.mesh.openTcp('web.shop:80');
    const route = (canary: number): KubeObject => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: {
        hosts: ['web'],
        tcp: [
          {
            route: [
              { destination: { host: 'web-primary' }, weight: 100 - canary },
              { destination: { host: 'web-canary' }, weight: canary },
            ],
          },
        ],
      },
    });
    const dial = (agent: Agent | false): Promise<string> =>
      new Promise((resolve, reject) => {
        startRequest({ host: '127.0.0.1', port, agent }, (answer) => {
          answer.resume();
          answer.on('end', () => resolve(String(answer.headers['x-role'])));
        })
          .on('error', reject)
          .end();
      });
    store.put(route(30));
    await followed(plane);
    const roles: string[] = [];
    for (let sent = 0; sent < 400; sent += 8)
      roles.push(...(await Promise.all(Array.from({ length: 8 }, () => dial(false)))));
    expect(isWithinBinomial(roles.filter((role) => role === 'canary').length, 400, 0.3)).toBe(true);
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await dial(kept);
    store.put(route(first === 'canary' ? 0 : 100));
    await followed(plane);
    expect(await dial(kept)).toBe(first);
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => dial(false))))).toEqual(
      new Set([first === 'canary' ? 'primary' : 'canary']),
    );
    kept.destroy();
  });
});
