// The network between a simulated process and the world: latency, faults, and the four cuts. The real client runs above it.
import type { KubeTransport, TransportResponse } from '../../src/kube/transport.ts';
import type { Clock } from '../../src/util/clock.ts';
import { sleep } from '../../src/util/clock.ts';
import type { Random } from '../../src/util/random.ts';
import type { Effects } from './effects.ts';
import type { ProcessLife } from './process-life.ts';
import type { Wire } from './wire.ts';

/** Probabilities of faults on the way, 0..1. */
export interface NetworkFaults {
  readonly lostBefore: number;
  readonly lostAfter: number;
  readonly refused: number;
  readonly delayMaxMs: number;
}

export const NO_FAULTS: NetworkFaults = { lostBefore: 0, lostAfter: 0, refused: 0, delayMaxMs: 5 };

/** How long a paused process sleeps, in milliseconds: longer than any lock, so that others take over. */
const PAUSE_MS = 90_000;

export interface NetworkParts {
  readonly wire: Pick<Wire, 'ask'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly effects: Effects;
  readonly life: ProcessLife;
  readonly user: string;
  readonly faults: () => NetworkFaults;
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** Carries out one exchange under the cuts. `exchange` happens in the world; its result reaches the process only while it lives. */
export async function cutExchange<T>(parts: NetworkParts, what: string | null, exchange: () => Promise<T>): Promise<T> {
  const { life, clock, random, effects } = parts;
  if (life.isDead) return never();
  const faults = parts.faults();
  const cut = what === null ? null : effects.next(what);
  if (cut === 'before') {
    life.die();
    return never();
  }
  if (cut === 'pause') life.pause(PAUSE_MS);
  await life.reach(null);
  await sleep(clock, 1 + random.next() * faults.delayMaxMs);
  if (random.next() < faults.lostBefore) return life.refuse(new Error('connection reset'));
  const result = await exchange();
  if (cut === 'dies') {
    life.die();
    return never();
  }
  await sleep(clock, 1 + random.next() * faults.delayMaxMs);
  if (cut === 'lost' || random.next() < faults.lostAfter) return life.refuse(new Error('connection reset'));
  return life.reach(result);
}

/** The transport of one process to the embedded API server. */
export function simulatedTransport(parts: NetworkParts): KubeTransport {
  return {
    request(request) {
      const isWrite = request.method !== 'GET';
      const what = isWrite ? `${request.method} ${request.path.split('?')[0] ?? ''}` : null;
      const exchange = async (): Promise<TransportResponse> => {
        if (parts.random.next() < parts.faults().refused) return refusal(parts.random);
        const answer = await parts.wire.ask({
          method: request.method,
          path: request.path,
          headers: request.headers,
          body: request.body ?? '',
          user: parts.user,
          signal: linked(request.signal, parts.life),
        });
        return { status: answer.status, headers: answer.headers, body: bytesOf(answer.body, parts.life) };
      };
      return Promise.race([cutExchange(parts, what, exchange), aborted(request.signal)]);
    },
    close: () => Promise.resolve(),
  };
}

/** A watch ends with its reader, and with the process. */
function linked(signal: AbortSignal, life: ProcessLife): AbortSignal {
  const controller = new AbortController();
  signal.addEventListener('abort', () => controller.abort(), { once: true });
  life.onDeath(() => controller.abort());
  return controller.signal;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(new Error('aborted'));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}

function refusal(random: Random): TransportResponse {
  const status = [429, 500, 503][Math.floor(random.next() * 3)] ?? 500;
  const body = JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: 'simulated',
    reason: 'Simulated',
    code: status,
  });
  return {
    status,
    headers: { 'content-type': 'application/json', ...(status === 429 ? { 'retry-after': '1' } : {}) },
    body: once(body),
  };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield ENCODER.encode(text);
}

const ENCODER = new TextEncoder();

async function* bytesOf(body: string | AsyncIterable<string>, life: ProcessLife): AsyncGenerator<Uint8Array> {
  if (typeof body === 'string') {
    yield ENCODER.encode(body);
    return;
  }
  for await (const line of body) {
    await life.reach(null);
    yield ENCODER.encode(line);
  }
}
