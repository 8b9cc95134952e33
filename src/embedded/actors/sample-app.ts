// The sample application that runs in real pods: answers who it is, with the faults that its image asks for.
import { Server, ServerCredentials, Metadata, status as grpcCodes } from '@grpc/grpc-js';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { createServer } from 'node:http';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../../util/clock.ts';
import type { Clock } from '../../util/clock.ts';
import type { Random } from '../../util/random.ts';
import type { TrafficCounters } from './exposition.ts';
import { dataService } from './grpc-service.ts';
import type { GetReply } from './grpc-service.ts';
import type { ImageFaults } from './image-faults.ts';

/** Who a pod is: sent with every answer, as body and as headers `x-pod`, `x-version`, `x-role`. */
export interface AppIdentity extends GetReply {
  readonly role: 'primary' | 'canary';
}

/** Where a server listens. Port 0 takes a free one. */
export interface ListenAt {
  readonly ip: string;
  readonly port: number;
}

/** A free port of this machine alone. */
const ANYWHERE: ListenAt = { ip: '127.0.0.1', port: 0 };

export interface AppOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: AppIdentity;
  readonly faults: ImageFaults;
  readonly counters: TrafficCounters;
  /** A free port of 127.0.0.1 when left out. */
  readonly listenAt?: ListenAt;
}

/** A listening application. */
export interface RunningApp {
  readonly port: number;
  /** From now on answers ask their connections to be closed. */
  drain(): void;
  /** Takes no new connections, finishes what is under way. */
  close(): Promise<void>;
  /** Cuts whatever is left. */
  kill(): void;
}

/** Starts the application as an HTTP server, with `/metrics`. */
export async function startHttpApp(options: AppOptions): Promise<RunningApp> {
  let isDraining = false;
  const server = createServer((request, response) => {
    if (isDraining) response.setHeader('connection', 'close');
    request.resume();
    if (request.url === '/metrics') response.end(options.counters.render());
    else void answerHttp(options, request, response);
  });
  // Who holds a connection decides when it ends; a time-out here would race with the next request.
  server.keepAliveTimeout = 0;
  const port = await listen(server, options.listenAt);
  return {
    port,
    drain() {
      isDraining = true;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
    kill: () => server.closeAllConnections(),
  };
}

async function answerHttp(
  { clock, random, identity, faults, counters }: AppOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startMs = clock.monotonicMs();
  const isFailure = faults.failure !== null && random.next() < faults.failure.share;
  const status = isFailure ? (faults.failure?.status ?? 500) : 200;
  if (faults.latencyMs > 0) await sleep(clock, faults.latencyMs);
  counters.note({ status, grpcStatus: null, durationMs: clock.monotonicMs() - startMs });
  if (request.destroyed && !request.complete) return;
  response.writeHead(status, {
    'content-type': 'application/json',
    'x-pod': identity.pod,
    'x-version': identity.version,
    'x-role': identity.role,
  });
  response.end(JSON.stringify(identity));
}

/** Starts only `/metrics`, for pods whose own port does not speak HTTP/1. */
export async function startMetricsPort(
  counters: TrafficCounters,
  listenAt?: ListenAt,
): Promise<{ port: number; close(): void }> {
  const server = createServer((_, response) => response.end(counters.render()));
  const port = await listen(server, listenAt);
  return {
    port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listen(server: HttpServer, { ip, port }: ListenAt = ANYWHERE): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, ip, () => resolve((server.address() as AddressInfo).port));
  });
}

type GetCall = ServerUnaryCall<unknown, GetReply>;

/** Starts the application as a gRPC server of proto.DataService. */
export async function startGrpcApp(options: AppOptions): Promise<RunningApp> {
  const server = new Server();
  server.addService(dataService, {
    Get: (call: GetCall, callback: sendUnaryData<GetReply>) => {
      void answerGrpc(options, call, callback);
    },
  });
  const at = options.listenAt ?? ANYWHERE;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${at.ip}:${at.port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    port,
    drain: () => undefined,
    close: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    kill: () => server.forceShutdown(),
  };
}

async function answerGrpc(
  { clock, random, identity, faults, counters }: AppOptions,
  call: GetCall,
  callback: sendUnaryData<GetReply>,
): Promise<void> {
  const startMs = clock.monotonicMs();
  const isFailure = faults.failure !== null && random.next() < faults.failure.share;
  if (faults.latencyMs > 0) await sleep(clock, faults.latencyMs);
  const code = isFailure ? codeOf(faults.failure?.status ?? 500) : grpcCodes.OK;
  // A failure of gRPC is a success of HTTP, and that is how proxies count it.
  counters.note({ status: 200, grpcStatus: code, durationMs: clock.monotonicMs() - startMs });
  const metadata = new Metadata();
  metadata.set('x-pod', identity.pod);
  metadata.set('x-version', identity.version);
  metadata.set('x-role', identity.role);
  call.sendMetadata(metadata);
  if (isFailure) callback({ code, details: 'planted failure' });
  else callback(null, identity);
}

/** The gRPC status for an HTTP one, as the mapping of gRPC's documents has it for those that are used here. */
const codeOf = (status: number): grpcCodes => (status === 503 ? grpcCodes.UNAVAILABLE : grpcCodes.INTERNAL);
