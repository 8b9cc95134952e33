// Readiness as a kubelet finds it out: an HTTP GET or a connection to the pod's port, and thresholds.
import { request } from 'node:http';
import { connect } from 'node:net';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { asPod } from '../../../src/embedded/actors/shapes.ts';

/** How a pod is asked whether it is ready. */
export interface ReadinessProbe {
  readonly path: string | null;
  readonly port: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly failureThreshold: number;
}

interface ProbeSpec {
  readonly httpGet?: { readonly path?: string; readonly port: number | string };
  readonly tcpSocket?: { readonly port: number | string };
  readonly grpc?: { readonly port: number };
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold?: number;
}

/** The readiness probe of the first container; null when it has none, and is ready as soon as it runs. A gRPC probe only connects. */
export function readinessProbeOf(pod: KubeObject): ReadinessProbe | null {
  const container = asPod(pod).spec.containers[0] as
    | { readonly readinessProbe?: ProbeSpec; readonly ports?: readonly { name?: string; containerPort: number }[] }
    | undefined;
  const probe = container?.readinessProbe;
  if (probe === undefined) return null;
  const named = probe.httpGet?.port ?? probe.tcpSocket?.port ?? probe.grpc?.port ?? 0;
  const port = container?.ports?.find(({ name }) => name === named)?.containerPort ?? Number(named);
  return {
    path: probe.httpGet === undefined ? null : (probe.httpGet.path ?? '/'),
    port,
    periodMs: (probe.periodSeconds ?? 10) * 1_000,
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1_000,
    failureThreshold: probe.failureThreshold ?? 3,
  };
}

/** Asks once. */
export function isAnswering(ip: string, { path, port, timeoutMs }: ReadinessProbe): Promise<boolean> {
  return path === null ? connects(ip, port, timeoutMs) : answers(ip, port, path, timeoutMs);
}

function answers(host: string, port: number, path: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host, port, path, agent: false, timeout: timeoutMs }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) < 400);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.on('close', () => resolve(false));
    asked.end();
  });
}

function connects(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const done = (isUp: boolean) => (): void => {
      socket.destroy();
      resolve(isUp);
    };
    socket.on('connect', done(true)).on('timeout', done(false)).on('error', done(false));
  });
}
