// Starts the data plane of an embedded cluster: two entrances, each for HTTP, for gRPC and for TCP.
import type { Clock } from '../../util/clock.ts';
import type { Random } from '../../util/random.ts';
import type { StoreAccess } from '../apiserver/access.ts';
import type { Counts } from './counts.ts';
import { openCounts } from './counts.ts';
import { startGrpcProxy } from './grpc-proxy.ts';
import { startHttpProxy } from './http-proxy.ts';
import { openAppMeshV1Beta1, openAppMeshV1Beta2 } from './routes-appmesh.ts';
import { gatewayReader } from './routes-gateway.ts';
import { istioReader } from './routes-istio.ts';
import { smiReader } from './routes-smi.ts';
import type { Entrance } from './table.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import type { RouteReader, View } from './view.ts';
import { startView } from './view.ts';

/** The meshes that the data plane can stand for. */
export const DATA_PLANE_MESHES = [
  'kubernetes',
  'istio',
  'gateway-api',
  'appmesh-v1beta1',
  'appmesh-v1beta2',
  'smi',
] as const;
export type DataPlaneMesh = (typeof DATA_PLANE_MESHES)[number];

const READERS: Readonly<Record<DataPlaneMesh, () => readonly RouteReader[]>> = {
  kubernetes: () => [],
  istio: () => [istioReader],
  'gateway-api': () => [gatewayReader],
  'appmesh-v1beta1': () => [openAppMeshV1Beta1()],
  'appmesh-v1beta2': () => [openAppMeshV1Beta2()],
  smi: () => [smiReader],
};

export interface DataPlaneOptions {
  readonly store: StoreAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly mesh: DataPlaneMesh;
  /** From a write to the moment when requests follow it, in milliseconds. */
  readonly lagMs: number;
  /** The namespace of clients. */
  readonly namespace: string;
}

/** Where requests are sent to: by Host header for HTTP, by authority for gRPC. */
export interface DataPlaneEntrance {
  /** `http://127.0.0.1:<port>`. */
  readonly httpUrl: string;
  /** `127.0.0.1:<port>`. */
  readonly grpcAddress: string;
  /** Opens a port for TCP connections to a host, such as `web.shop:5432`; its number on 127.0.0.1. */
  openTcp(host: string): Promise<number>;
}

/** The running data plane. */
export interface DataPlane {
  /** As a client in the cluster: hosts are Services, and what the mesh makes of them. */
  readonly mesh: DataPlaneEntrance;
  /** Through the gateway: only hosts that routes of the gateway name. */
  readonly gateway: DataPlaneEntrance;
  readonly counts: Counts;
  readonly view: View;
  stop(): Promise<void>;
}

/** Starts it. All ports are free ones on 127.0.0.1. */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const view = startView({ ...options, readers: READERS[options.mesh]() });
  const counts = openCounts();
  const stops: (() => Promise<void>)[] = [];
  const enter = async (via: Entrance): Promise<DataPlaneEntrance> => {
    const proxy = { ...options, view, counts, via };
    const [http, grpc] = [await startHttpProxy(proxy), await startGrpcProxy(proxy)];
    stops.push(
      () => http.stop(),
      () => grpc.stop(),
    );
    return {
      httpUrl: `http://127.0.0.1:${http.port}`,
      grpcAddress: `127.0.0.1:${grpc.port}`,
      async openTcp(host) {
        const tcp = await startTcpProxy(proxy, host);
        stops.push(() => tcp.stop());
        return tcp.port;
      },
    };
  };
  return {
    mesh: await enter('mesh'),
    gateway: await enter('gateway'),
    counts,
    view,
    async stop() {
      view.stop();
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}
