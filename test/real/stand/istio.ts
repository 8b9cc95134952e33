// Real Istio: istiod beside the API server, and Envoy as its gateway for VirtualServices and for the Gateway API.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { KubeObject } from '../../../src/kube/contract.ts';
import type { ControlPlane } from '../control-plane.ts';
import { startProcess, stopAll, type RealProcess } from '../process.ts';
import { waitFor } from '../waiting.ts';
import { startEnvoy, waitForEnvoy } from './envoy.ts';
import { EXTERNAL_LABEL, ISTIO_GATEWAY_API_PORT, ISTIO_GATEWAY_IP, ISTIO_PORT, NODE_NAME } from './network.ts';

export interface IstioOptions {
  readonly plane: ControlPlane;
  readonly programs: { readonly 'pilot-discovery': string; readonly envoy: string };
  readonly folder: string;
}

/** A running mesh. */
export interface Istio {
  readonly istiod: RealProcess;
  readonly gateway: RealProcess;
  /** Envoy's own address, with its numbers. */
  readonly gatewayAdmin: string;
  /** istiod's debug and readiness address. */
  readonly istiodUrl: string;
  /** Starts istiod again after it was stopped. */
  startIstiod(): Promise<void>;
  stop(): Promise<void>;
}

const SYSTEM = 'istio-system';
const POD = 'gateway-1';
const XDS_PORT = 15_010;
const HTTP_PORT = 15_080;
const MONITORING_PORT = 15_014;
const ADMIN_PORT = 15_000;
const READY_MAX_MS = 120_000;
/** The user that istiod is to the API server. */
export const ISTIOD_USER = 'istiod';

/** Starts it. Its CRDs must be there. */
export async function startIstio(options: IstioOptions): Promise<Istio> {
  mkdirSync(options.folder, { recursive: true });
  const istio = new RealIstio(options);
  try {
    await istio.start();
  } catch (error) {
    await istio.stop();
    throw error;
  }
  return istio;
}

class RealIstio implements Istio {
  readonly #options: IstioOptions;
  readonly #processes: RealProcess[] = [];
  readonly gatewayAdmin = `http://127.0.0.1:${ADMIN_PORT}`;
  readonly istiodUrl = `http://127.0.0.1:${HTTP_PORT}`;
  #istiod: RealProcess | null = null;
  #gateway: RealProcess | null = null;

  constructor(options: IstioOptions) {
    this.#options = options;
  }

  get istiod(): RealProcess {
    return running(this.#istiod);
  }

  get gateway(): RealProcess {
    return running(this.#gateway);
  }

  async start(): Promise<void> {
    const { api } = this.#options.plane;
    for (const object of gatewayObjects()) await api.apply(object);
    await api.patch(`/api/v1/namespaces/${SYSTEM}/pods/${POD}/status`, { status: podStatusOf(ISTIO_GATEWAY_IP) });
    await this.startIstiod();
    const { programs, folder } = this.#options;
    this.#gateway = startEnvoy({ program: programs.envoy, name: 'istio-gateway', folder, bootstrap: bootstrap() });
    this.#processes.push(this.#gateway);
    await waitForEnvoy(this.gatewayAdmin);
  }

  async startIstiod(): Promise<void> {
    const { plane, programs, folder } = this.#options;
    const meshPath = join(folder, 'mesh.yaml');
    writeFileSync(meshPath, stringify(MESH));
    const flags = {
      kubeconfig: plane.kubeconfigOf(ISTIOD_USER),
      meshConfig: meshPath,
      registries: 'Kubernetes',
      clusterID: 'Kubernetes',
      httpAddr: `127.0.0.1:${HTTP_PORT}`,
      grpcAddr: `:${XDS_PORT}`,
      secureGRPCAddr: '',
      httpsAddr: '',
      monitoringAddr: `:${MONITORING_PORT}`,
    };
    const istiod = startProcess({
      name: 'istiod',
      program: programs['pilot-discovery'],
      args: ['discovery', ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)],
      env: ISTIOD_ENVIRONMENT,
      folder,
    });
    this.#istiod = istiod;
    this.#processes.push(istiod);
    const isReady = async (): Promise<boolean> => {
      if (!istiod.isRunning) throw new Error(`it ended: ${istiod.tail()}`);
      return (await fetch(`${this.istiodUrl}/ready`)).ok;
    };
    await waitFor('a ready istiod', isReady, READY_MAX_MS);
  }

  async stop(): Promise<void> {
    await stopAll(this.#processes);
  }
}

function running(process: RealProcess | null): RealProcess {
  if (process === null) throw new TypeError('Cannot use Istio: it was not started');
  return process;
}

/** The namespace, the gateway's pod, and a Service for it, by which a Gateway of the Gateway API names it. */
function gatewayObjects(): readonly KubeObject[] {
  const labels = { istio: 'ingressgateway', [EXTERNAL_LABEL]: 'istio' };
  const port = (number: number): unknown => ({ name: `http-${number}`, port: number, targetPort: number });
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: SYSTEM } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'gateway', namespace: SYSTEM },
      spec: { selector: { istio: 'ingressgateway' }, ports: [port(ISTIO_PORT), port(ISTIO_GATEWAY_API_PORT)] },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: POD, namespace: SYSTEM, labels },
      spec: { nodeName: NODE_NAME, containers: [{ name: 'envoy', image: 'envoy' }] },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: { name: 'istio' },
      spec: { controllerName: 'istio.io/gateway-controller' },
    },
  ];
}

/** What a kubelet says of a pod that runs at an address. */
function podStatusOf(ip: string): unknown {
  const condition = (type: string): unknown => ({ type, status: 'True' });
  return {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(condition),
  };
}

/** No mutual TLS, which needs an agent to bring secrets; no filters that only Istio's own build of Envoy has. */
const MESH = {
  enableAutoMtls: false,
  defaultProviders: {},
  defaultConfig: { discoveryAddress: `127.0.0.1:${XDS_PORT}` },
};

const ISTIOD_ENVIRONMENT = {
  POD_NAMESPACE: SYSTEM,
  POD_NAME: 'istiod-1',
  CLUSTER_ID: 'Kubernetes',
  ENABLE_CA_SERVER: 'false',
  PILOT_CERT_PROVIDER: 'none',
  INJECTION_WEBHOOK_CONFIG_NAME: '',
  VALIDATION_WEBHOOK_CONFIG_NAME: '',
  PILOT_ENABLE_ALPN_FILTER: 'false',
  PILOT_ENABLE_METADATA_EXCHANGE: 'false',
};

function bootstrap(): unknown {
  const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value: XDS_PORT } } };
  return {
    node: {
      id: `router~${ISTIO_GATEWAY_IP}~${POD}.${SYSTEM}~${SYSTEM}.svc.cluster.local`,
      cluster: 'gateway',
      metadata: {
        NAMESPACE: SYSTEM,
        LABELS: { istio: 'ingressgateway' },
        CLUSTER_ID: 'Kubernetes',
        ISTIO_VERSION: '1.99.0',
      },
    },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: ADMIN_PORT } } },
    dynamic_resources: {
      ads_config: {
        api_type: 'GRPC',
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds' } }],
      },
      cds_config: { ads: {}, resource_api_version: 'V3' },
      lds_config: { ads: {}, resource_api_version: 'V3' },
    },
    static_resources: {
      clusters: [
        {
          name: 'xds',
          type: 'STATIC',
          connect_timeout: '5s',
          load_assignment: {
            cluster_name: 'xds',
            endpoints: [{ lb_endpoints: [{ endpoint }] }],
          },
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        },
      ],
    },
    // A cluster's whole name is one label; Envoy's own pattern would end at its first dot.
    stats_config: {
      use_all_default_tags: false,
      stats_tags: [
        { tag_name: 'envoy.cluster_name', regex: String.raw`^cluster\.((.+?\.svc\.cluster\.local);?\.)` },
        { tag_name: 'envoy.response_code' },
      ],
    },
  };
}
