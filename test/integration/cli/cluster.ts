// A cluster for commands: the embedded API server over HTTPS with the CRDs of the project, and a terminal that remembers.
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { CliContext } from '../../../src/cli/context.ts';
import { runCommand } from '../../../src/cli/run.ts';
import { listenOn } from '../../../src/embedded/apiserver/listen.ts';
import type { Listening } from '../../../src/embedded/apiserver/listen.ts';
import { createApiServer } from '../../../src/embedded/apiserver/server.ts';
import type { ApiServer } from '../../../src/embedded/apiserver/server.ts';
import type { ApiServerOptions } from '../../../src/embedded/apiserver/types.ts';
import { connectKube } from '../../../src/kube/connect.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { canaryKind } from '../../../src/kube/kinds.ts';
import { systemClock } from '../../../src/util/clock.ts';
import type { Clock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';

const crdFolder = fileURLToPath(new URL('../../../crds', import.meta.url));

/** A cluster with namespace `shop`. */
export interface TestCluster {
  readonly api: ApiServer;
  readonly listening: Listening;
  readonly kubeconfig: string;
  /** Creates the object with its status, or replaces what is there. */
  put(object: KubeObject): void;
  close(): Promise<void>;
}

/** Starts one. */
export async function startCluster(options: Partial<ApiServerOptions> = {}): Promise<TestCluster> {
  const api = createApiServer({ clock: systemClock, random: systemRandom, kinds: [], ...options });
  for (const file of await readdir(crdFolder))
    api.store.create(parse(await readFile(join(crdFolder, file), 'utf8')) as KubeObject);
  api.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  const directory = await mkdtemp(join(tmpdir(), 'serin-cli-'));
  const kubeconfig = join(directory, 'kubeconfig');
  const listening = await listenOn(api, { kubeconfigPath: kubeconfig });
  return {
    api,
    listening,
    kubeconfig,
    put(object) {
      const { uid: _, resourceVersion: __, generation: ___, ...metadata } = object.metadata;
      const stored = api.store.put({ ...object, metadata });
      if (object['status'] !== undefined)
        api.store.update({ ...stored, status: object['status'] }, { subresource: 'status', user: 'serin' });
    },
    async close() {
      api.close();
      await listening.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A target with all the defaults that the server gives it: only so its revision is the one that a controller sees. */
export function asStored(target: KubeObject): KubeObject {
  const api = createApiServer({ clock: systemClock, random: systemRandom, kinds: [] });
  api.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  const stored = api.store.create(target);
  api.close();
  return stored;
}

/** The stored Canary `web`. */
export function storedCanary(cluster: TestCluster, name = 'web', group = 'serin.dev'): KubeObject {
  const found = cluster.api.store.get(canaryKind(group), 'shop', name);
  if (found === null) throw new Error(`no canary ${name}`);
  return found;
}

/** A command that runs. */
export interface Session {
  readonly exit: Promise<number>;
  readonly out: () => string;
  readonly err: () => string;
  /** Interrupts it. */
  signal(name: 'SIGINT' | 'SIGTERM'): void;
}

/** What of the process a test changes. */
export interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  /** What a person answers; without it nobody is there. */
  readonly answer?: string;
  readonly isTerminal?: boolean;
}

/** Starts a command on the cluster. */
export function start(cluster: TestCluster, args: readonly string[], world: World = {}): Session {
  let out = '';
  let err = '';
  const controller = new AbortController();
  const clock = world.clock ?? systemClock;
  const context: CliContext = {
    env: { USER: 'alice', LANG: 'C.UTF-8', ...world.env },
    clock,
    random: systemRandom,
    write: (text) => {
      out += text;
    },
    warn: (text) => {
      err += text;
    },
    isTerminal: world.isTerminal ?? false,
    isInteractive: world.answer !== undefined,
    ask: (question) => {
      err += question;
      return Promise.resolve(world.answer ?? '');
    },
    signal: controller.signal,
    connect: (options) => connectKube({ ...options, kubeconfigPath: options.kubeconfigPath ?? cluster.kubeconfig }),
  };
  return {
    exit: runCommand(args, context),
    out: () => out,
    err: () => err,
    signal: (name) => controller.abort(name),
  };
}

/** Runs a command to its end. */
export async function run(
  cluster: TestCluster,
  args: readonly string[],
  world: World = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const session = start(cluster, args, world);
  const code = await session.exit;
  return { code, out: session.out(), err: session.err() };
}

/** Resolves as soon as `holds` does; fails after 10 s. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const startMs = performance.now();
  while (!holds()) {
    if (performance.now() - startMs > 10_000) throw new Error(`Cannot go on: ${what}`);
    await new Promise<void>((resolve) => void setTimeout(resolve, 5));
  }
}
