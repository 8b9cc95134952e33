// The exam of the client, sat against the little server in memory and over real HTTP.
import { openUndici } from './open-undici.ts';
import { examineKube } from './examine-kube.ts';
import type { KubeWorld } from './examine-kube.ts';
import { LittleServer, WIDGET, littleTransport, serveLittle } from './little-server.ts';

const makeObject: KubeWorld['makeObject'] = (name) => ({
  apiVersion: 'examine.serin.dev/v1',
  kind: 'Widget',
  metadata: { name },
  spec: { size: 1 },
});

const common = { kind: WIDGET, namespace: 'shop', makeObject, manyObjects: 1_100 };

examineKube('a little server in memory', () =>
  Promise.resolve({ ...common, transport: littleTransport(new LittleServer()), close: () => Promise.resolve() }),
);

examineKube('a little server over HTTP', async () => {
  const server = await serveLittle(new LittleServer());
  return { ...common, transport: openUndici(server.url), close: () => server.close() };
});
