// The wire of real sockets: what simulated processes ask goes over HTTPS to the embedded server, while virtual time stands still.
import { listenOn, type Listening } from '../../src/embedded/apiserver/listen.ts';
import type { ApiServer } from '../../src/embedded/apiserver/server.ts';
import type { ApiRequest, ApiResponse } from '../../src/embedded/apiserver/types.ts';
import type { KubeTransport, TransportRequest } from '../../src/kube/transport.ts';
import { createUndiciTransport } from '../../src/kube/undici-transport.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { HeldStream } from './held-stream.ts';
import type { Wire } from './wire.ts';

/** Names which watch is which on both sides. */
const STREAM_HEADER = 'x-simulated-stream';
/** Replicas are named by count; so many may live in one run. */
const REPLICAS_MAX = 200;
const QUIET_LIMIT_MS = 20_000;

/** Opens the wire of one world. */
export function openHttpWire(): Wire {
  return new HttpWire();
}

/**
 * Everything that arrives from the sockets is held until nothing is on its way, and is then let go in the order in which the server
 * sent it: so the same seed takes the same turns as without sockets.
 */
class HttpWire implements Wire {
  readonly clock = new HeldClock(this);
  readonly #streams = new Map<string, HeldStream>();
  /** Lines that the server sent, by stream, in order. */
  #sent: HeldStream[] = [];
  #answers: (() => void)[] = [];
  #inFlight = 0;
  #count = 0;
  #listening: Listening | null = null;
  #transport: KubeTransport | null = null;

  async open(api: ApiServer): Promise<void> {
    const users = Array.from({ length: REPLICAS_MAX }, (_, index) => `serin:replica-${index + 1}`);
    const tokens = Object.fromEntries(users.map((user) => [user, user]));
    this.#listening = await listenOn({ ...api, handle: (request) => this.#serve(api, request) }, { tokens });
    this.#transport = createUndiciTransport({ server: this.#listening.url, tls: { ca: this.#listening.caPem } });
  }

  async close(): Promise<void> {
    await this.#transport?.close();
    await this.#listening?.close();
  }

  async ask({ method, path, headers = {}, body = '', user = '', signal }: ApiRequest): Promise<ApiResponse> {
    this.#count += 1;
    const stream = new HeldStream();
    const id = String(this.#count);
    const isWatch = /[?&]watch=(1|true)/.test(path);
    const controller = new AbortController();
    if (isWatch) this.#streams.set(id, stream);
    this.#inFlight += 1;
    try {
      const answer = await this.#transport!.request({
        method: method as TransportRequest['method'],
        path,
        headers: { ...headers, authorization: `Bearer ${user}`, ...(isWatch ? { [STREAM_HEADER]: id } : {}) },
        ...(body === '' ? {} : { body }),
        signal: controller.signal,
        isStream: isWatch,
      });
      if (!stream.isServed) return await this.#held({ ...answer, body: await textOf(answer.body) });
      const leave = (): void => {
        stream.leave();
        controller.abort();
      };
      if (signal?.aborted === true) leave();
      else signal?.addEventListener('abort', leave, { once: true });
      void stream.fill(answer.body);
      return await this.#held({ ...answer, body: stream.lines() });
    } catch (error) {
      this.#inFlight -= 1;
      throw error;
    }
  }

  /** The server's side: notes in which order lines are sent. */
  async #serve(api: ApiServer, request: ApiRequest): Promise<ApiResponse> {
    const answer = await api.handle(request);
    const stream = this.#streams.get(request.headers?.[STREAM_HEADER] ?? '');
    if (typeof answer.body === 'string' || stream === undefined) return answer;
    stream.isServed = true;
    return { ...answer, body: this.#note(stream, answer.body) };
  }

  async *#note(stream: HeldStream, lines: AsyncIterable<string>): AsyncGenerator<string> {
    try {
      for await (const line of lines) {
        this.#sent.push(stream);
        stream.sent += 1;
        yield line;
      }
    } finally {
      stream.isOver = true;
    }
  }

  /** Holds an answer until nothing is on its way. */
  #held(answer: ApiResponse): Promise<ApiResponse> {
    this.#inFlight -= 1;
    return new Promise((resolve) => this.#answers.push(() => resolve(answer)));
  }

  /** Waits until nothing is on its way, then lets go what was held. False when there was nothing. */
  async letGo(): Promise<boolean> {
    const untilMs = performance.now() + QUIET_LIMIT_MS;
    while (this.#isBusy()) {
      if (performance.now() > untilMs) throw new Error('Cannot go on: the wire does not come to rest');
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    const [sent, answers] = [this.#sent, this.#answers];
    const ended = [...this.#streams].filter(([, stream]) => stream.mayEnd());
    if (sent.length === 0 && answers.length === 0 && ended.length === 0) return false;
    this.#sent = [];
    this.#answers = [];
    for (const stream of sent) stream.release();
    for (const [id, stream] of ended) {
      this.#streams.delete(id);
      stream.end();
    }
    for (const release of answers) release();
    return true;
  }

  #isBusy(): boolean {
    return this.#inFlight > 0 || [...this.#streams.values()].some((stream) => stream.isOnItsWay());
  }
}

/** A clock that stands still until the wire is quiet. */
class HeldClock extends VirtualClock {
  readonly #wire: HttpWire;

  constructor(wire: HttpWire) {
    super({ turns: 1 });
    this.#wire = wire;
  }

  override async settle(turns?: number): Promise<void> {
    do await super.settle(turns);
    while (await this.#wire.letGo());
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
