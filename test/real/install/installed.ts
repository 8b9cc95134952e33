// serin as the chart installs it: `helm install` on a real API server, then a process for each replica with the arguments, the Secret and the account of the chart.
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../src/kube/contract.ts';
import type { Rule } from '../../integration/install/rights.ts';
import { CHART, helm } from '../../support/helm.ts';
import type { ControlPlane } from '../control-plane.ts';
import { startProcess, type RealProcess } from '../process.ts';
import { freePorts, waitFor } from '../waiting.ts';

export interface InstallOptions {
  readonly plane: ControlPlane;
  /** Values of the chart, as for `--set`. */
  readonly sets: readonly string[];
}

/** A release of the chart; its pods are processes of the test. */
export interface Installed {
  /** What it is in the audit log. */
  readonly user: string;
  /** The rules of the controller, as the API server has them. */
  readonly rules: readonly Rule[];
  /** Starts every replica that the chart asks for; resolves when all are ready. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Runs the hook before an uninstall under its own account; resolves with what it said. */
  release(): Promise<{
    readonly code: number | null;
    readonly said: string;
    readonly user: string;
    readonly rules: readonly Rule[];
  }>;
}

const LAUNCHER = fileURLToPath(new URL('../../../bin/serin.mjs', import.meta.url));
const NAMESPACE = 'serin';
const RELEASE = 'serin';
const READY_MAX_MS = 120_000;
const RELEASE_MAX_MS = 120_000;
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

interface DeploymentSpec {
  readonly replicas: number;
  readonly template: {
    readonly spec: { readonly serviceAccountName: string; readonly containers: { args: string[] }[] };
  };
}

/** Installs the chart. Throws with what helm said when it cannot. */
export async function installChart({ plane, sets }: InstallOptions): Promise<Installed> {
  const flags = ['--kubeconfig', plane.kubeconfigOf('admin'), '-n', NAMESPACE];
  const given = sets.flatMap((set) => ['--set', set]);
  const { status, stderr } = helm('install', RELEASE, CHART, ...flags, '--create-namespace', ...given);
  if (status !== 0) throw new Error(`Cannot install the chart: ${stderr}`);
  const deployment = await plane.api.get(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${RELEASE}`);
  if (deployment === null) throw new Error('Cannot find the Deployment of the chart');
  const { replicas, template } = deployment['spec'] as DeploymentSpec;
  const account = template.spec.serviceAccountName;
  const running: RealProcess[] = [];
  const run = async (name: string, user: string, args: readonly string[]): Promise<RealProcess> => {
    const kubeconfig = plane.writeKubeconfig(user, await plane.serviceAccountToken(NAMESPACE, user));
    const env = { KUBECONFIG: kubeconfig, POD_NAME: name, ...(await secretVariables(plane)) };
    return startProcess({ name, program: process.execPath, args: [LAUNCHER, ...args], env, folder: plane.folder });
  };
  return {
    user: userOf(account),
    rules: await rulesOf(plane, RELEASE),
    async start() {
      const ports = await freePorts(replicas);
      for (const [index, port] of ports.entries()) {
        const args = template.spec.containers[0]?.args.map((arg) => localArgument(arg, port)) ?? [];
        running.push(await run(`serin-${index}`, account, [...args, '--allow-loopback']));
      }
      for (const [index, port] of ports.entries()) {
        const isReady = async (): Promise<boolean> => {
          const child = running[index];
          if (child?.isRunning !== true) throw new Error(`it ended: ${child?.tail() ?? ''}`);
          return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
        };
        await waitFor(`a ready replica ${index}`, isReady, READY_MAX_MS);
      }
    },
    async stop() {
      await Promise.all(running.splice(0).map((child) => child.stop()));
    },
    async release() {
      const { user, args, rules } = await applyHook(plane, flags, given);
      const child = await run('release', user, args);
      await Promise.race([child.ended, new Promise((resolve) => setTimeout(resolve, RELEASE_MAX_MS).unref())]);
      return { code: child.isRunning ? null : 0, said: child.tail(), user: userOf(user), rules };
    },
  };
}

const userOf = (account: string): string => `system:serviceaccount:${NAMESPACE}:${account}`;

/** The pod would have an address of its own. */
function localArgument(argument: string, port: number): string {
  if (argument.startsWith('--port=')) return `--port=${port}`;
  return argument.startsWith('--bind-address=') ? '--bind-address=127.0.0.1' : argument;
}

async function rulesOf(plane: ControlPlane, name: string): Promise<readonly Rule[]> {
  const role = await plane.api.get(`${RBAC}/clusterroles/${name}`);
  if (role === null) throw new Error(`Cannot find ClusterRole ${name}`);
  return role['rules'] as readonly Rule[];
}

/** What the kubelet would put into the environment from the chart's Secret. */
async function secretVariables(plane: ControlPlane): Promise<Record<string, string>> {
  const secret = await plane.api.get(`/api/v1/namespaces/${NAMESPACE}/secrets/${RELEASE}`);
  const url = ((secret?.['data'] ?? {}) as Record<string, string>)['queue-url'];
  return url === undefined ? {} : { SERIN_REDIS_URL: Buffer.from(url, 'base64').toString() };
}

/** Creates what the hook needs, as helm does before an uninstall, its Job apart. */
async function applyHook(
  plane: ControlPlane,
  flags: readonly string[],
  given: readonly string[],
): Promise<{ user: string; args: readonly string[]; rules: readonly Rule[] }> {
  const { stdout } = helm('get', 'hooks', RELEASE, ...flags);
  const objects = readObjects(stdout).filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'pre-delete');
  const job = objects.find(({ kind }) => kind === 'Job');
  if (job === undefined) throw new Error(`Cannot find the hook of the chart with ${given.join(' ')}`);
  for (const object of objects) if (object !== job) await plane.api.apply(object);
  const { template } = job['spec'] as DeploymentSpec;
  const user = template.spec.serviceAccountName;
  return { user, args: template.spec.containers[0]?.args ?? [], rules: await rulesOf(plane, user) };
}

function readObjects(text: string): readonly KubeObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}
