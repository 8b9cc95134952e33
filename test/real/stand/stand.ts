// Opens the stand: control plane, node, meshes, Prometheus, store and serin, all real, in the network namespace of this process.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALL_OPTIONS } from '../../../src/config/options.ts';
import { CONTROLLER_PARTS, startControlPlane, type ControlPlane } from '../control-plane.ts';
import type { PartName } from '../part-list.ts';
import { ensureParts } from '../parts.ts';
import { startProcess, type RealProcess } from '../process.ts';
import { gatewayObjects } from './app-objects.ts';
import { CONTOUR_USER, startContour, type Contour } from './contour.ts';
import { installCrds } from './crds.ts';
import { ISTIOD_USER, startIstio, type Istio } from './istio.ts';
import { NODE_NAME } from './network.ts';
import { startPrometheus, type Prometheus } from './prometheus.ts';
import { createSerin, installRights, type Serin } from './serin.ts';
import { startStore, type Store } from './store.ts';

export interface StandOptions {
  /** Seconds between scrapes of Prometheus; 1 by default. */
  readonly scrapeSeconds?: number;
  readonly store?: 'redis-server' | 'valkey-server';
  /** Where files and logs are; a temporary folder by default, removed at the end unless SERIN_KEEP is set. */
  readonly folder?: string;
  readonly onProgress?: (what: string) => void;
  /** Where built-in checks ask; the stand's Prometheus by default. */
  readonly metricsServer?: 'prometheus' | 'scrape';
}

/** Everything that must be there. */
export const STAND_PARTS: readonly PartName[] = [
  ...CONTROLLER_PARTS,
  'pilot-discovery',
  'contour',
  'envoy',
  'prometheus',
  'redis-server',
  'valkey-server',
  'ip',
];

/** The running stand. */
export interface Stand {
  readonly folder: string;
  readonly plane: ControlPlane;
  readonly node: RealProcess;
  readonly istio: Istio;
  readonly contour: Contour;
  readonly prometheus: Prometheus;
  readonly store: Store;
  readonly serin: Serin;
  stop(): Promise<void>;
}

/** Whether this serin can ask istiod which weight its proxies have; without it, it waits for a time. */
export const ASKS_ISTIOD = ALL_OPTIONS.some(({ option }) => option.flag === 'istiod-debug-url');

const SERIN_PORT = 15_200;
const PROVIDERS = ['istio', 'gateway-api'] as const;
const USERS = [ISTIOD_USER, CONTOUR_USER, NODE_NAME, 'prometheus'] as const;

/** Opens it; when a part fails, what was opened before is stopped. */
export async function openStand(options: StandOptions = {}): Promise<Stand> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'serin-stand-'));
  const opened: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const part of opened.toReversed()) await part.stop().catch(() => undefined);
    if (options.folder === undefined && process.env['SERIN_KEEP'] === undefined)
      rmSync(folder, { recursive: true, force: true });
  };
  try {
    return await open(options, folder, opened, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function open(
  options: StandOptions,
  folder: string,
  opened: { stop(): Promise<void> }[],
  stop: () => Promise<void>,
): Promise<Stand> {
  const say = options.onProgress ?? ((): void => undefined);
  const keep = async <Part extends { stop(): Promise<void> }>(what: string, starting: Promise<Part>): Promise<Part> => {
    const startMs = performance.now();
    const part = await starting;
    opened.push(part);
    say(`${what} after ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
    return part;
  };
  const programs = await ensureParts(STAND_PARTS);
  const users = Object.fromEntries(USERS.map((user) => [user, ['system:masters']]));
  const plane = await keep(
    'control plane',
    startControlPlane({ users, hasControllers: true, folder: join(folder, 'control-plane') }),
  );
  await installCrds(plane.api);
  say('CRDs are served');
  const node = startNode(plane, folder);
  opened.push(node);
  const [istio, contour, prometheus, store] = await all([
    keep('Istio', startIstio({ plane, programs, folder: join(folder, 'istio') })),
    keep('Contour', startContour({ plane, programs, folder: join(folder, 'contour') })),
    keep(
      'Prometheus',
      startPrometheus({
        program: programs.prometheus,
        folder: join(folder, 'prometheus'),
        api: plane.api.as(plane.tokenOf('prometheus')),
        istioEnvoy: '127.0.0.1:15000',
        everySeconds: options.scrapeSeconds ?? 1,
      }),
    ),
    keep('store', startStore(programs[options.store ?? 'redis-server'], folder)),
  ]);
  for (const object of gatewayObjects()) await plane.api.apply(object);
  const serin = createSerin(
    {
      folder,
      kubeconfig: await installRights(plane, PROVIDERS),
      storeUrl: store.url,
      metricsServer: options.metricsServer === 'scrape' ? 'scrape' : prometheus.url,
      flags: ASKS_ISTIOD ? [`--istiod-debug-url=${istio.istiodUrl}`] : [],
    },
    'serin-1',
    SERIN_PORT,
  );
  opened.push(serin);
  await serin.start();
  say('serin is ready');
  return { folder, plane, node, istio, contour, prometheus, store, serin, stop };
}

/** As Promise.all, but fails only when all have come to an end, so that each that was opened can be stopped. */
async function all<Parts extends readonly unknown[]>(starting: {
  [Index in keyof Parts]: Promise<Parts[Index]>;
}): Promise<Parts> {
  await Promise.allSettled(starting);
  return Promise.all(starting);
}

function startNode(plane: ControlPlane, folder: string): RealProcess {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'node.json');
  writeFileSync(path, JSON.stringify({ url: plane.url, caPem: plane.caPem, token: plane.tokenOf(NODE_NAME) }));
  const program = join(import.meta.dirname, 'node-process.ts');
  return startProcess({ name: 'node', program: process.execPath, args: [program, path], folder });
}
