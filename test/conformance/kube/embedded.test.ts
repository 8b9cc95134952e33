// The exam of the client, sat against the embedded API server over real HTTPS, from its kubeconfig on.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenOn } from '../../../src/embedded/apiserver/listen.ts';
import { createApiServer } from '../../../src/embedded/apiserver/server.ts';
import { openCredentials } from '../../../src/kube/kubeconfig.ts';
import { createUndiciTransport } from '../../../src/kube/undici-transport.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';
import { examineKube } from './examine-kube.ts';
import { WIDGET } from './little-server.ts';

examineKube('the embedded API server', async () => {
  const api = createApiServer({ clock: systemClock, random: systemRandom, extraKinds: [WIDGET] });
  const directory = await mkdtemp(join(tmpdir(), 'serin-kube-'));
  const path = join(directory, 'kubeconfig');
  const listening = await listenOn(api, { kubeconfigPath: path });
  const { server, tls, headers } = await openCredentials({ path, clock: systemClock }).current(false);
  return {
    transport: createUndiciTransport({ server, tls }),
    authorize: (into) => Promise.resolve(void Object.assign(into, headers)),
    kind: WIDGET,
    namespace: 'default',
    makeObject: (name) => ({
      apiVersion: 'examine.serin.dev/v1',
      kind: 'Widget',
      metadata: { name },
      spec: { size: 1 },
    }),
    manyObjects: 1_100,
    async close() {
      api.close();
      await listening.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
