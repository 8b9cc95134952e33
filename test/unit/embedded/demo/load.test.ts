// The load: its rate, its hosts, its connections and what it makes of answers, against real servers.
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createTrafficCounters } from '../../../../src/embedded/actors/exposition.ts';
import { readImageFaults } from '../../../../src/embedded/actors/image-faults.ts';
import { startGrpcApp } from '../../../../src/embedded/actors/sample-app.ts';
import { openGrpcSender } from '../../../../src/embedded/demo/grpc-sender.ts';
import { openHttpSender } from '../../../../src/embedded/demo/http-sender.ts';
import { startLoad, type Answer, type Reply, type Sender } from '../../../../src/embedded/demo/load.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { systemRandom } from '../../../../src/util/random.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const OK: Reply = { isOk: true, role: 'primary', version: '1', isNewConnection: false, problem: '' };

/** A sender that answers at once, and remembers. */
function openMemory(): { sender: Sender; sent: [host: string, onNewConnection: boolean][]; isClosed: () => boolean } {
  const sent: [string, boolean][] = [];
  let isClosed = false;
  const sender: Sender = {
    send(host, onNewConnection) {
      sent.push([host, onNewConnection]);
      return Promise.resolve(OK);
    },
    close() {
      isClosed = true;
    },
  };
  return { sender, sent, isClosed: () => isClosed };
}

describe('the load', () => {
  it('sends at its rate, half on new connections, to each host both ways', async () => {
    const clock = new VirtualClock();
    const { sender, sent } = openMemory();
    const answers: Answer[] = [];
    const onAnswer = (answer: Answer): void => void answers.push(answer);
    const load = startLoad({ clock, sender, requestsPerSecond: 200, hosts: () => ['web', 'web-canary'], onAnswer });
    await clock.advance(10_000);
    await load.stop();
    expect(sent.length).toBeGreaterThanOrEqual(1_990);
    expect(sent.length).toBeLessThanOrEqual(2_000);
    expect(answers.length).toBe(sent.length);
    for (const host of ['web', 'web-canary'])
      for (const isNew of [true, false])
        expect(sent.filter(([to, onNew]) => to === host && onNew === isNew).length / sent.length).toBeCloseTo(0.25, 2);
  });

  it('does not wait for answers, and knows which are missing', async () => {
    const clock = new VirtualClock();
    let count = 0;
    const sender: Sender = {
      send: () => {
        count += 1;
        return new Promise(() => undefined);
      },
      close: () => undefined,
    };
    const load = startLoad({ clock, sender, requestsPerSecond: 100, hosts: () => ['web'], onAnswer: () => undefined });
    await clock.advance(1_000);
    expect(count).toBeGreaterThanOrEqual(98);
    expect([...load.pending()]).toHaveLength(count);
    expect(Math.min(...load.pending())).toBeLessThanOrEqual(20);
  });

  it('closes its connections at the end', async () => {
    const clock = new VirtualClock();
    const { sender, isClosed } = openMemory();
    const load = startLoad({ clock, sender, requestsPerSecond: 100, hosts: () => ['web'], onAnswer: () => undefined });
    await load.stop();
    expect(isClosed()).toBe(true);
  });
});

describe('the HTTP sender', () => {
  async function listen(server: Server): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('opens a connection where it is told to, and keeps the others', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((request, response) => {
      sockets.add(request.socket);
      response.writeHead(200, { 'x-role': 'canary', 'x-version': '2', 'x-host': request.headers.host ?? '' }).end('{}');
    });
    const sender = openHttpSender(await listen(server));
    const replies: Reply[] = [];
    for (const onNew of [false, true, false, true, false]) replies.push(await sender.send('web.shop', onNew));
    sender.close();
    expect(sockets.size).toBe(3);
    expect(replies.map(({ isNewConnection }) => isNewConnection)).toEqual([true, true, false, true, false]);
    expect(replies[0]).toEqual({ isOk: true, role: 'canary', version: '2', isNewConnection: true, problem: '' });
  });

  it('takes every other status, and a connection that breaks, for failed; once', async () => {
    let count = 0;
    const server = createServer((request, response) => {
      count += 1;
      if (request.headers.host === 'broken') request.socket.destroy();
      else response.writeHead(503).end('no');
    });
    const sender = openHttpSender(await listen(server));
    expect(await sender.send('web', false)).toMatchObject({ isOk: false, role: null, problem: 'status 503' });
    expect(await sender.send('broken', false)).toMatchObject({ isOk: false, role: null });
    expect(await sender.send('broken', true)).toMatchObject({ isOk: false, role: null });
    expect(count).toBe(3);
    sender.close();
  });
});

describe('the gRPC sender', () => {
  async function serve(tag: string): Promise<string> {
    const faults = readImageFaults(`query-service:${tag}`);
    const facts = { namespace: 'shop', pod: 'p', workload: 'web', version: faults.version, protocol: 'grpc' } as const;
    const app = await startGrpcApp({
      clock: systemClock,
      random: systemRandom,
      identity: { pod: 'p', version: faults.version, role: 'canary' },
      faults,
      counters: createTrafficCounters(facts, 'app'),
    });
    closing.push(() => app.kill());
    return `127.0.0.1:${app.port}`;
  }

  it('tells who answered, well or not', async () => {
    const good = openGrpcSender(await serve('1.0.1'), systemClock);
    expect(await good.send('web.shop', false)).toEqual({
      ...OK,
      role: 'canary',
      version: '1.0.1',
      isNewConnection: true,
    });
    expect(await good.send('web.shop', false)).toMatchObject({ isOk: true, isNewConnection: false });
    expect(await good.send('web.shop', true)).toMatchObject({ isOk: true, isNewConnection: true });
    good.close();
    const bad = openGrpcSender(await serve('1.0.2_500@100%'), systemClock);
    const reply = await bad.send('web.shop', true);
    expect(reply).toMatchObject({ isOk: false, role: 'canary', version: '1.0.2_500@100%' });
    expect(reply.problem).toContain('gRPC status 13');
    bad.close();
  });

  it('takes a server that is not there for failed', async () => {
    const sender = openGrpcSender('127.0.0.1:1', systemClock);
    expect(await sender.send('web.shop', true)).toMatchObject({ isOk: false, role: null });
    sender.close();
  });
});
