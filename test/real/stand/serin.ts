// serin itself on the stand: `bin/serin.mjs controller` as a process of its own, under a ServiceAccount with the chart's rights.
import { fileURLToPath } from 'node:url';
import { isObject } from '../../../src/util/json.ts';
import { readFileSync } from 'node:fs';
import { controllerRules } from '../../integration/install/rights.ts';
import type { ControlPlane } from '../control-plane.ts';
import { startProcess, type RealProcess } from '../process.ts';
import { waitFor } from '../waiting.ts';

export interface SerinOptions {
  readonly folder: string;
  /** A kubeconfig with a ServiceAccount's token: whoever installs serin decides its rights. */
  readonly kubeconfig: string;
  readonly storeUrl: string;
  /** URL of a Prometheus, or `scrape`. */
  readonly metricsServer: string;
  readonly flags?: readonly string[];
}

/** serin, which can be killed and started again. */
export interface Serin {
  readonly process: RealProcess;
  /** Where it serves health and metrics. */
  readonly url: string;
  /** Starts it; resolves when it says that it is ready. */
  start(): Promise<void>;
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  log(): string;
}

const LAUNCHER = fileURLToPath(new URL('../../../bin/serin.mjs', import.meta.url));
const NAMESPACE = 'serin-system';
const ACCOUNT = 'serin';
/** The user that serin is in the audit log. */
export const SERIN_USER = `system:serviceaccount:${NAMESPACE}:${ACCOUNT}`;
const READY_MAX_MS = 90_000;

/** A controller on port `port` of 127.0.0.1; `start()` starts it. */
export function createSerin(options: SerinOptions, name: string, port: number): Serin {
  let process: RealProcess | null = null;
  let logged = 0;
  const running = (): RealProcess => {
    if (process === null) throw new TypeError('Cannot use serin: it was not started');
    return process;
  };
  const log = (): string => readFileSync(running().logPath, 'utf8');
  return {
    get process() {
      return running();
    },
    url: `http://127.0.0.1:${port}`,
    log,
    async start() {
      const flags = {
        kubeconfig: options.kubeconfig,
        'metrics-server': options.metricsServer,
        'redis-url': options.storeUrl,
        'bind-address': '127.0.0.1',
        port: String(port),
        'replica-name': name,
      };
      const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
      const program = globalThis.process.execPath;
      const all = [LAUNCHER, 'controller', ...args, '--allow-loopback', ...(options.flags ?? [])];
      const started = startProcess({ name, program, args: all, folder: options.folder, stopMaxMs: 15_000 });
      process = started;
      const isReady = (): boolean => {
        if (!started.isRunning) throw new Error(`it ended: ${started.tail()}`);
        return log().slice(logged).split('\n').some(saysStarted);
      };
      await waitFor('a ready serin', isReady, READY_MAX_MS);
      logged = log().length;
    },
    kill: () => running().kill(),
    async stop() {
      await process?.stop();
    },
  };
}

function saysStarted(line: string): boolean {
  if (!line.includes('"Started"')) return false;
  const entry: unknown = JSON.parse(line);
  return isObject(entry) && entry['message'] === 'Started';
}

/** Gives the account exactly the rights that the chart renders for these providers; returns a kubeconfig with its token. */
export async function installRights(plane: ControlPlane, providers: readonly string[]): Promise<string> {
  const role = 'serin-controller';
  const api = 'rbac.authorization.k8s.io';
  await plane.api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  await plane.api.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: ACCOUNT, namespace: NAMESPACE },
  });
  await plane.api.apply({
    apiVersion: `${api}/v1`,
    kind: 'ClusterRole',
    metadata: { name: role },
    rules: controllerRules(providers, ['serin.dev']),
  });
  await plane.api.apply({
    apiVersion: `${api}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: role },
    roleRef: { apiGroup: api, kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace: NAMESPACE }],
  });
  return plane.writeKubeconfig('serin', await plane.serviceAccountToken(NAMESPACE, ACCOUNT));
}
