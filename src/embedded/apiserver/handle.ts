// One request from its first byte to its answer: faults, path, permission, verb, form.
import { sleep } from '../../util/clock.ts';
import { messageOf } from '../../errors.ts';
import { answerNonResource } from './discovery.ts';
import type { Engine } from './engine.ts';
import { answerFailure, answerText } from './media.ts';
import { readRequest } from './path.ts';
import {
  internalError,
  StatusFailure,
  statusObject,
  tooLarge,
  tooManyRequests,
  UnknownPath,
  unknownResource,
} from './status.ts';
import type { ApiRequest, ApiResponse, Intervention, RequestInfo } from './types.ts';
import { answerResource } from './verbs.ts';

/** What the real server reads of a body at most. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;

/** Answers a request. Never throws. */
export async function handleRequest(engine: Engine, request: ApiRequest): Promise<ApiResponse> {
  const user = request.user ?? 'system:anonymous';
  const info = readRequest(request.method, request.path);
  let response: ApiResponse;
  try {
    response = await run(engine, request, info, user);
  } catch (error) {
    response = answerError(error, request.headers?.['accept']);
  }
  report(engine, request, info, user, response.status);
  return request.method === 'HEAD' ? { ...response, body: '' } : response;
}

function answerError(error: unknown, accept: string | undefined): ApiResponse {
  if (error instanceof StatusFailure) return answerFailure(error, accept);
  if (error instanceof UnknownPath) return answerText(404, '404 page not found\n');
  return answerFailure(internalError(messageOf(error)));
}

async function run(engine: Engine, request: ApiRequest, info: RequestInfo | null, user: string): Promise<ApiResponse> {
  const intervention = engine.options.beforeRequest?.(request, info) ?? null;
  if (intervention !== null) {
    const early = await intervene(engine, intervention, request.signal);
    if (early !== null) return early;
  }
  // A length in UTF-16 units is at most the length in bytes, so only large bodies are measured.
  const body = request.body ?? '';
  if (body.length > BODY_BYTES_MAX / 3 && Buffer.byteLength(body) > BODY_BYTES_MAX) {
    throw tooLarge(`Request entity too large: limit is ${BODY_BYTES_MAX}`);
  }
  if (info === null) return answerNonResource(engine, request);
  const kind = engine.registry.find(info.group, info.version, info.plural);
  if (kind === undefined) {
    throw engine.registry.hasGroupVersion(info.group, info.version) ? unknownResource() : new UnknownPath();
  }
  return answerResource(engine, request, info, kind, user);
}

async function intervene(
  engine: Engine,
  intervention: Intervention,
  signal: AbortSignal | undefined,
): Promise<ApiResponse | null> {
  if (intervention.delayMs !== undefined) await sleep(engine.clock, intervention.delayMs, signal);
  if (intervention.status === undefined) return null;
  if (intervention.status === 429) return answerFailure(tooManyRequests(intervention.retryAfterSeconds ?? 1));
  const message = intervention.message ?? 'injected fault';
  const retry = intervention.retryAfterSeconds;
  const details = retry === undefined ? null : { retryAfterSeconds: retry };
  return answerFailure(new StatusFailure(intervention.status, reasonOf(intervention.status), message, details));
}

function reasonOf(status: number): string {
  const reasons: Readonly<Record<number, string>> = {
    401: 'Unauthorized',
    403: 'Forbidden',
    409: 'Conflict',
    410: 'Expired',
    500: 'InternalError',
    503: 'ServiceUnavailable',
    504: 'Timeout',
  };
  return reasons[status] ?? 'Unknown';
}

function report(engine: Engine, request: ApiRequest, info: RequestInfo | null, user: string, status: number): void {
  if (engine.requestListeners.size === 0) return;
  const path = request.path.split('?')[0] ?? '';
  const group = info === null || info.group === '' ? '' : `.${info.group}`;
  for (const listener of engine.requestListeners) {
    listener({
      verb: info?.verb ?? 'none',
      resource: info === null ? path : `${info.plural}${group}`,
      subresource: info?.subresource ?? '',
      namespace: info?.namespace ?? null,
      name: info?.name ?? null,
      user,
      status,
      atMs: engine.clock.nowMs(),
    });
  }
}

/** 401, as the listener answers who shows no valid token. */
export function unauthorized(): ApiResponse {
  const body = statusObject(401, 'Unauthorized', 'Unauthorized', null);
  return { status: 401, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
