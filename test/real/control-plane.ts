// A real control plane: etcd, kube-apiserver and, when asked, kube-controller-manager, with one user for each actor and an audit log.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { kubeconfigText } from '../../src/embedded/apiserver/kubeconfig.ts';
import { AuditLog } from './audit-log.ts';
import { KubeApi } from './kube-api.ts';
import type { PartName } from './part-list.ts';
import { ensureParts } from './parts.ts';
import { startProcess, stopAll, type RealProcess } from './process.ts';
import { freePorts, waitFor } from './waiting.ts';

export interface ControlPlaneOptions {
  /** Users and the groups that each is in, besides `admin`, who may do everything. Rights of the others come by RBAC. */
  readonly users?: Readonly<Record<string, readonly string[]>>;
  /** Starts kube-controller-manager too: Deployments, ReplicaSets, EndpointSlices, autoscalers, garbage collection, namespaces. */
  readonly hasControllers?: boolean;
  /** Controllers of these to leave out. */
  readonly withoutControllers?: readonly string[];
  /** Where its files are kept; a folder of its own below the temporary one by default, removed at the end. */
  readonly folder?: string;
  /** More flags for kube-apiserver. */
  readonly apiServerFlags?: readonly string[];
}

/** What a started control plane gives. All addresses are on 127.0.0.1. */
export interface ControlPlane {
  readonly url: string;
  readonly caPem: string;
  readonly etcdUrl: string;
  readonly folder: string;
  /** As `admin`. */
  readonly api: KubeApi;
  /** Which user asked for what. */
  readonly audit: AuditLog;
  readonly processes: { readonly etcd: RealProcess; apiServer: RealProcess; controllers: RealProcess | null };
  /** The bearer token of a user. */
  tokenOf(user: string): string;
  /** The path of a user's kubeconfig. */
  kubeconfigOf(user: string): string;
  /** Writes a kubeconfig for any token, for example one of a ServiceAccount; returns its path. */
  writeKubeconfig(name: string, token: string): string;
  /** A fresh token of a ServiceAccount that exists, by the TokenRequest API. */
  serviceAccountToken(namespace: string, name: string): Promise<string>;
  /** Ends the API server (`kill` as a crash does) and leaves it away until `startApiServer`. */
  stopApiServer(how?: 'stop' | 'kill'): Promise<void>;
  /** Starts it again on the same port. Resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** Forgets all versions before now at etcd, so that watches from an older one get 410. Returns the revision. */
  compact(): Promise<number>;
  /** Ends everything by process id. */
  stop(): Promise<void>;
}

/** What must be there to start one. */
export const CONTROL_PLANE_PARTS: readonly PartName[] = ['etcd', 'kube-apiserver'];
export const CONTROLLER_PARTS: readonly PartName[] = [...CONTROL_PLANE_PARTS, 'kube-controller-manager'];

const READY_MAX_MS = 60_000;
export const SERVICE_RANGE = '10.96.0.0/16';
const ADMIN = 'admin';
const CONTROLLERS = 'kube-controller-manager';

/** Starts it; resolves when the API server is ready. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const plane = new RealControlPlane(options);
  try {
    await plane.start();
  } catch (error) {
    await plane.stop();
    throw error;
  }
  return plane;
}

interface Ports {
  readonly api: number;
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly controllers: number;
}

class RealControlPlane implements ControlPlane {
  readonly folder: string;
  readonly processes: { etcd: RealProcess; apiServer: RealProcess; controllers: RealProcess | null };
  readonly audit: AuditLog;
  readonly #options: ControlPlaneOptions;
  readonly #tokens = new Map<string, string>();
  readonly #isOwnFolder: boolean;
  #ports: Ports = { api: 0, etcd: 0, etcdPeer: 0, controllers: 0 };
  #programs: Partial<Record<PartName, string>> = {};
  #api: KubeApi | null = null;
  caPem = '';

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    this.#isOwnFolder = options.folder === undefined;
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'serin-control-plane-'));
    mkdirSync(this.folder, { recursive: true });
    this.audit = new AuditLog(join(this.folder, 'audit.log'));
    // Filled in by start().
    this.processes = { etcd: NOTHING, apiServer: NOTHING, controllers: null };
  }

  get url(): string {
    return `https://127.0.0.1:${this.#ports.api}`;
  }

  get etcdUrl(): string {
    return `http://127.0.0.1:${this.#ports.etcd}`;
  }

  get api(): KubeApi {
    if (this.#api === null) throw new TypeError('Cannot ask the API server: it was not started');
    return this.#api;
  }

  async start(): Promise<void> {
    const { users = {}, hasControllers = false } = this.#options;
    this.#programs = await ensureParts(hasControllers ? CONTROLLER_PARTS : CONTROL_PLANE_PARTS);
    const [api = 0, etcd = 0, etcdPeer = 0, controllers = 0] = await freePorts(4);
    this.#ports = { api, etcd, etcdPeer, controllers };
    await this.#writeCredentials({ ...users, [ADMIN]: ['system:masters'], [CONTROLLERS]: ['system:masters'] });
    this.processes.etcd = this.#startEtcd();
    this.#api = new KubeApi({ url: this.url, caPem: this.caPem, token: this.tokenOf(ADMIN) });
    await this.startApiServer();
    if (hasControllers) this.processes.controllers = this.#startControllers();
  }

  tokenOf(user: string): string {
    const token = this.#tokens.get(user);
    if (token === undefined)
      throw new TypeError(`Cannot find user "${user}": must be of ${[...this.#tokens.keys()].join(', ')}`);
    return token;
  }

  kubeconfigOf(user: string): string {
    return this.writeKubeconfig(user, this.tokenOf(user));
  }

  writeKubeconfig(name: string, token: string): string {
    const path = join(this.folder, `${name}.kubeconfig`);
    writeFileSync(path, kubeconfigText(this.url, this.caPem, token, name, 'stand'), { mode: 0o600 });
    return path;
  }

  async serviceAccountToken(namespace: string, name: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 86_400 },
    };
    const answer = await this.api.create(path, request);
    return (answer['status'] as { token: string }).token;
  }

  async stopApiServer(how: 'stop' | 'kill' = 'stop'): Promise<void> {
    await this.processes.apiServer[how]();
  }

  async startApiServer(): Promise<void> {
    this.processes.apiServer = this.#startApiServer();
    const { apiServer, etcd } = this.processes;
    const isReady = async (): Promise<boolean> => {
      for (const one of [etcd, apiServer]) if (!one.isRunning) throw new Error(`it ended: ${one.tail()}`);
      return (await this.api.ask({ path: '/readyz' })).status === 200;
    };
    await waitFor('a ready API server', isReady, READY_MAX_MS);
  }

  async compact(): Promise<number> {
    const ask = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
      const answer = await fetch(`${this.etcdUrl}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`Cannot ask etcd for ${path}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as Record<string, unknown>;
    };
    const { header } = await ask('kv/range', { key: Buffer.from('/').toString('base64') });
    const revision = Number((header as { revision: string }).revision);
    await ask('kv/compaction', { revision: String(revision), physical: true });
    return revision;
  }

  async stop(): Promise<void> {
    const { etcd, apiServer, controllers } = this.processes;
    this.#api?.close();
    await stopAll([etcd, apiServer, ...(controllers === null ? [] : [controllers])]);
    if (this.#isOwnFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  async #writeCredentials(users: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const altNames = { type: 7, ip: '127.0.0.1' } as const;
    const server = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
      keySize: 2048,
      extensions: [
        { name: 'basicConstraints', cA: true },
        { name: 'subjectAltName', altNames: [altNames] },
      ],
    });
    this.caPem = server.cert;
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    for (const [user] of Object.entries(users)) this.#tokens.set(user, randomUUID());
    const rows = Object.entries(users).map(
      ([user, groups], index) => `${this.tokenOf(user)},${user},uid-${index},"${groups.join(',')}"\n`,
    );
    const files = {
      'server.crt': server.cert,
      'server.key': server.private,
      'service-accounts.key': privateKey.export({ type: 'pkcs1', format: 'pem' }),
      'tokens.csv': rows.join(''),
      'audit-policy.yaml': AUDIT_POLICY,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text, { mode: 0o600 });
  }

  #startEtcd(): RealProcess {
    const { etcd, etcdPeer } = this.#ports;
    const [client, peer] = [`http://127.0.0.1:${etcd}`, `http://127.0.0.1:${etcdPeer}`];
    return this.#run('etcd', {
      'data-dir': join(this.folder, 'etcd'),
      'unsafe-no-fsync': '',
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `default=${peer}`,
    });
  }

  #startApiServer(): RealProcess {
    const path = (name: string): string => join(this.folder, name);
    const flags = {
      'etcd-servers': this.etcdUrl,
      'bind-address': '127.0.0.1',
      'advertise-address': '127.0.0.1',
      'secure-port': String(this.#ports.api),
      'tls-cert-file': path('server.crt'),
      'tls-private-key-file': path('server.key'),
      'token-auth-file': path('tokens.csv'),
      'authorization-mode': 'RBAC',
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': path('service-accounts.key'),
      'service-account-signing-key-file': path('service-accounts.key'),
      'service-cluster-ip-range': SERVICE_RANGE,
      'endpoint-reconciler-type': 'none',
      'audit-policy-file': path('audit-policy.yaml'),
      'audit-log-path': path('audit.log'),
      profiling: 'false',
      // Without controllers no namespace gets the ServiceAccount that this would ask of its pods.
      ...(this.#options.hasControllers === true ? {} : { 'disable-admission-plugins': 'ServiceAccount' }),
    };
    return this.#run('kube-apiserver', flags, this.#options.apiServerFlags);
  }

  #startControllers(): RealProcess {
    return this.#run('kube-controller-manager', {
      kubeconfig: this.kubeconfigOf(CONTROLLERS),
      'bind-address': '127.0.0.1',
      'secure-port': String(this.#ports.controllers),
      'service-account-private-key-file': join(this.folder, 'service-accounts.key'),
      'root-ca-file': join(this.folder, 'server.crt'),
      'leader-elect': 'false',
      // What asks for nodes, volumes, clouds and certificates has nothing to do here.
      controllers: CONTROLLER_NAMES.filter((name) => this.#options.withoutControllers?.includes(name) !== true).join(
        ',',
      ),
      'concurrent-deployment-syncs': '10',
      'concurrent-replicaset-syncs': '10',
      'kube-api-qps': '500',
      'kube-api-burst': '1000',
    });
  }

  #run(name: PartName, flags: Readonly<Record<string, string>>, more: readonly string[] = []): RealProcess {
    const args = Object.entries(flags).map(([flag, value]) => (value === '' ? `--${flag}` : `--${flag}=${value}`));
    const program = this.#programs[name] ?? name;
    return startProcess({ name, program, args: [...args, ...more], folder: this.folder });
  }
}

const AUDIT_POLICY = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
});

const CONTROLLER_NAMES = [
  'deployment-controller',
  'replicaset-controller',
  'daemonset-controller',
  'statefulset-controller',
  'job-controller',
  'endpointslice-controller',
  'endpoints-controller',
  'horizontal-pod-autoscaler-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'root-ca-certificate-publisher-controller',
  'disruption-controller',
  'resourcequota-controller',
];

/** Stands where a process will be. */
const NOTHING: RealProcess = {
  pid: 0,
  logPath: '',
  isRunning: false,
  ended: Promise.resolve(),
  signal: () => undefined,
  stop: () => Promise.resolve(),
  kill: () => Promise.resolve(),
  tail: () => '',
};
