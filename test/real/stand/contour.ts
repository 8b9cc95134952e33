// Real Contour: its control plane beside the API server and an Envoy of its own, for the Gateway API.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ControlPlane } from '../control-plane.ts';
import { startProcess, stopAll, type RealProcess } from '../process.ts';
import { waitFor } from '../waiting.ts';
import { startEnvoy, waitForEnvoy } from './envoy.ts';
import { CONTOUR_ENVOY_IP, CONTOUR_LISTENER_PORT } from './network.ts';

export interface ContourOptions {
  readonly plane: ControlPlane;
  readonly programs: { readonly contour: string; readonly envoy: string };
  readonly folder: string;
}

/** A running Contour. */
export interface Contour {
  readonly contour: RealProcess;
  readonly envoyAdmin: string;
  /** Starts Contour again after it was stopped. */
  startContour(): Promise<void>;
  stop(): Promise<void>;
}

const XDS_PORT = 15_101;
const HEALTH_PORT = 15_102;
const HTTP_PORT = 15_103;
const ADMIN_PORT = 15_104;
const READY_MAX_MS = 60_000;
/** The user that Contour is to the API server. */
export const CONTOUR_USER = 'contour';
/** The Gateway that it serves. */
export const CONTOUR_GATEWAY = { namespace: 'projectcontour', name: 'contour' } as const;

/** Starts it. Its CRDs and those of the Gateway API must be there. */
export async function startContour(options: ContourOptions): Promise<Contour> {
  mkdirSync(options.folder, { recursive: true });
  const contour = new RealContour(options);
  try {
    await contour.start();
  } catch (error) {
    await contour.stop();
    throw error;
  }
  return contour;
}

class RealContour implements Contour {
  readonly #options: ContourOptions;
  readonly #processes: RealProcess[] = [];
  readonly envoyAdmin = `http://127.0.0.1:${ADMIN_PORT}`;
  #contour: RealProcess | null = null;

  constructor(options: ContourOptions) {
    this.#options = options;
  }

  get contour(): RealProcess {
    if (this.#contour === null) throw new TypeError('Cannot use Contour: it was not started');
    return this.#contour;
  }

  async start(): Promise<void> {
    const { plane, programs, folder } = this.#options;
    const { namespace, name } = CONTOUR_GATEWAY;
    await plane.api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await plane.api.apply({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: { name: 'contour' },
      spec: { controllerName: 'projectcontour.io/gateway-controller' },
    });
    await plane.api.apply({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name, namespace },
      spec: {
        gatewayClassName: 'contour',
        listeners: [
          {
            name: 'http',
            port: CONTOUR_LISTENER_PORT,
            protocol: 'HTTP',
            allowedRoutes: { namespaces: { from: 'All' } },
          },
        ],
      },
    });
    await this.startContour();
    const written = join(folder, 'bootstrap.json');
    const args = ['bootstrap', written, '--xds-address=127.0.0.1', `--xds-port=${XDS_PORT}`];
    const made = spawnSync(programs.contour, args);
    if (made.status !== 0) throw new Error(`Cannot write Envoy's bootstrap: ${made.stderr.toString()}`);
    const envoy = startEnvoy({
      program: programs.envoy,
      name: 'contour-envoy',
      folder,
      bootstrap: withTcpAdmin(JSON.parse(readFileSync(written, 'utf8'))),
      args: ['--service-cluster', 'default', '--service-node', 'envoy-1'],
    });
    this.#processes.push(envoy);
    await waitForEnvoy(this.envoyAdmin);
  }

  async startContour(): Promise<void> {
    const { plane, programs, folder } = this.#options;
    const configPath = join(folder, 'contour.yaml');
    writeFileSync(configPath, stringify({ gateway: { gatewayRef: CONTOUR_GATEWAY } }));
    const flags = {
      'config-path': configPath,
      kubeconfig: plane.kubeconfigOf(CONTOUR_USER),
      'xds-address': '127.0.0.1',
      'xds-port': String(XDS_PORT),
      'http-address': '127.0.0.1',
      'http-port': String(HTTP_PORT),
      'health-address': '127.0.0.1',
      'health-port': String(HEALTH_PORT),
      'envoy-service-http-address': CONTOUR_ENVOY_IP,
      'envoy-service-https-address': CONTOUR_ENVOY_IP,
    };
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    const contour = startProcess({
      name: 'contour',
      program: programs.contour,
      args: ['serve', '--insecure', '--disable-leader-election', ...args],
      folder,
    });
    this.#contour = contour;
    this.#processes.push(contour);
    const isReady = async (): Promise<boolean> => {
      if (!contour.isRunning) throw new Error(`it ended: ${contour.tail()}`);
      return (await fetch(`http://127.0.0.1:${HEALTH_PORT}/healthz`)).ok;
    };
    await waitFor('a ready Contour', isReady, READY_MAX_MS);
  }

  async stop(): Promise<void> {
    await stopAll(this.#processes);
  }
}

/** Contour puts Envoy's own address into a socket file. */
function withTcpAdmin(bootstrap: unknown): unknown {
  const address = { socket_address: { address: '127.0.0.1', port_value: ADMIN_PORT } };
  return { ...(bootstrap as object), admin: { address } };
}
