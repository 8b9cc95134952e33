// The real client and cache over the embedded API server, without sockets: for the workload exam.
import { createApiServer } from '../../src/embedded/apiserver/server.ts';
import type { ApiServer } from '../../src/embedded/apiserver/server.ts';
import type { LoggedRequest } from '../../src/embedded/apiserver/types.ts';
import { openKube } from '../../src/kube/connect.ts';
import type { OpenKube } from '../../src/kube/connect.ts';
import type { KubeTransport } from '../../src/kube/transport.ts';
import { systemClock } from '../../src/util/clock.ts';
import { seededRandom } from './virtual-clock.ts';

/** A cluster in the process, with the log of what was asked of it. */
export interface EmbeddedKube {
  readonly api: ApiServer;
  readonly kube: OpenKube;
  readonly requests: LoggedRequest[];
  close(): Promise<void>;
}

/** Opens one. Writes of user `serin` without a precondition are noted in `api.violations`. */
export function openEmbeddedKube(): EmbeddedKube {
  const random = seededRandom(7);
  const api = createApiServer({
    clock: systemClock,
    random,
    garbageDelayMs: 5,
    isKeepingUnknownFields: true,
    requireFence: (user) => user === 'serin',
  });
  const requests: LoggedRequest[] = [];
  api.onRequest((request) => requests.push(request));
  const kube = openKube({ transport: transportTo(api), clock: systemClock, random });
  return {
    api,
    kube,
    requests,
    async close() {
      await kube.close();
      api.close();
    },
  };
}

function transportTo(api: ApiServer): KubeTransport {
  return {
    async request({ method, path, headers, body, signal }) {
      signal.throwIfAborted();
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      const request = { method, path, headers: lower, user: 'serin', signal, ...(body === undefined ? {} : { body }) };
      const answer = await api.handle(request);
      return { status: answer.status, headers: answer.headers, body: bytesOf(answer.body, signal) };
    },
    close: () => Promise.resolve(),
  };
}

async function* bytesOf(body: string | AsyncIterable<string>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const encoder = new TextEncoder();
  if (typeof body === 'string') {
    yield encoder.encode(body);
    return;
  }
  for await (const line of body) {
    signal.throwIfAborted();
    yield encoder.encode(line);
  }
}
