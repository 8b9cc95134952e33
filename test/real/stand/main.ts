// `npm run stand`: the whole stand for a person, with an app under load, until Ctrl-C.
import { parseArgs } from 'node:util';
import { systemClock, sleep } from '../../../src/util/clock.ts';
import { describeMissing, ensureParts, findPart } from '../parts.ts';
import { openApp } from './app.ts';
import { APP, MESHES, type StandMesh, type StandProtocol } from './app-objects.ts';
import { isInNamespace, runInNamespace } from './namespace.ts';
import { openStand, STAND_PARTS } from './stand.ts';

const HELP = `Starts real parts in a network namespace of their own and an app under load on them, until Ctrl-C.

Usage: npm run stand -- [flags]

  --mesh <name>       ${MESHES.join(', ')} (default istio)
  --protocol <name>   http or grpc (default http)
  --store <name>      redis-server or valkey-server (default redis-server)
  --judge <name>      prometheus or scrape (default prometheus)
`;
const OPTIONS = {
  mesh: { type: 'string', default: 'istio' },
  protocol: { type: 'string', default: 'http' },
  store: { type: 'string', default: 'redis-server' },
  judge: { type: 'string', default: 'prometheus' },
  help: { type: 'boolean', default: false },
} as const;
const CHOICES: Readonly<Record<'mesh' | 'protocol' | 'store' | 'judge', readonly string[]>> = {
  mesh: [...MESHES],
  protocol: ['http', 'grpc'],
  store: ['redis-server', 'valkey-server'],
  judge: ['prometheus', 'scrape'],
};
const REPORT_EVERY_MS = 5_000;

const { values } = parseArgs({ options: OPTIONS });
const wrong = Object.entries(CHOICES).find(
  ([name, allowed]) => !allowed.includes(values[name as keyof typeof CHOICES]),
);
const missing = describeMissing(STAND_PARTS, { hasNamespace: true });
if (values.help) console.log(HELP);
else if (wrong !== undefined) {
  console.error(`stand: --${wrong[0]} must be ${wrong[1].join(' or ')}`);
  process.exitCode = 2;
} else if (missing !== null) {
  console.error(`stand: ${missing}`);
  process.exitCode = 1;
} else if (isInNamespace()) await keepStand();
else {
  await ensureParts(STAND_PARTS);
  process.exitCode = await runInNamespace(process.execPath, [import.meta.filename, ...process.argv.slice(2)]);
}

async function keepStand(): Promise<void> {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());
  const mesh = values.mesh as StandMesh;
  const protocol = values.protocol as StandProtocol;
  const stand = await openStand({
    store: values.store as 'redis-server' | 'valkey-server',
    metricsServer: values.judge as 'prometheus' | 'scrape',
    onProgress: (what) => console.log(what),
  });
  try {
    const app = await openApp(stand, { namespace: 'shop', mesh, protocol });
    await app.adopt();
    const kubectl = findPart('kubectl') ?? 'kubectl';
    const enter = `nsenter --net=/proc/${process.pid}/ns/net`;
    console.log(
      `\nThe app "${APP}" in namespace "shop" is Initialized, with load on it. In another terminal, as root:\n`,
    );
    console.log(`export KUBECONFIG=${stand.plane.kubeconfigOf('admin')}`);
    console.log(`${enter} ${kubectl} -n shop get canary web -w`);
    console.log(`${enter} ${kubectl} -n shop set image deployment/web app=app:1.1.0            # a good revision`);
    console.log(`${enter} ${kubectl} -n shop set image deployment/web app=app:1.2.0_500@20%    # one that fails`);
    console.log(
      `\nPrometheus ${stand.prometheus.url}, istiod ${stand.istio.istiodUrl}, gateway ${stand.istio.gatewayAdmin}`,
    );
    console.log(`serin ${stand.serin.url}; logs are in ${stand.folder}\n`);
    while (!ending.signal.aborted) {
      await sleep(systemClock, REPORT_EVERY_MS, ending.signal);
      const { requests, failed } = app.ledger.totals();
      const { phase, weightPercent } = app.canary;
      console.log(`${phase} at weight ${weightPercent}: ${requests} requests, ${failed} failed`);
    }
    await app.close();
  } finally {
    await stand.stop();
  }
}
