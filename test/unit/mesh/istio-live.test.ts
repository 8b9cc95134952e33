// The live weight of Istio against an istiod by script: what counts as taken, and every order in which it must not.
import { beforeEach, describe, expect, it } from 'vitest';
import { meshProvider } from '../../../src/mesh/istio.ts';
import type { LiveSeen, MeshDriver, RouteRequest } from '../../../src/mesh/contract.ts';
import { silentLog } from '../../../src/telemetry/contract.ts';
import { ScriptedHttp } from '../../support/loop-http.ts';
import { ScriptedIstiod } from '../../support/scripted-istiod.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { aRequest } from '../../conformance/mesh/requests.ts';
import { istio } from '../../conformance/mesh/subject-istio.ts';
import { openWorld } from '../../conformance/mesh/world.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';

const URLS = ['http://istiod.sim:15014', 'http://istiod-b.sim:15014/'];

/** A route, an istiod and proxies, in virtual time. */
class Mesh {
  readonly clock = new VirtualClock({ turns: 1 });
  readonly http = new ScriptedHttp(this.clock);
  readonly istiod = new ScriptedIstiod(() => this.clock.nowMs());
  readonly warnings: unknown[] = [];
  token: string | null = null;
  /** What names resolve to; null while nothing does. */
  addresses: Record<string, readonly string[]> | null = {};
  readonly request: RouteRequest;
  #generation = 0;
  #weight = 0;
  #uid = 'route-1';
  driver: MeshDriver;

  constructor(service: Parameters<typeof aRequest>[0] = {}, protocol: RouteRequest['protocol'] = 'http') {
    this.request = aRequest(service, protocol);
    this.http.on('istiod.sim', this.istiod.answer);
    this.driver = this.start();
  }

  /** A controller's process: it knows nothing yet. */
  start(urls: readonly string[] = URLS.slice(0, 1)): MeshDriver {
    const { clock, http } = this;
    const log = { ...silentLog, warn: (_message: string, fields?: unknown) => void this.warnings.push(fields) };
    const resolve = (name: string): Promise<readonly string[]> =>
      this.addresses === null
        ? Promise.reject(new Error('no such name'))
        : Promise.resolve(this.addresses[name] ?? [name]);
    const outside = { clock, http, log, istiodUrls: urls, resolve, readIstiodToken: () => this.token };
    this.driver = meshProvider.create(openWorld(istio).embedded.kube, outside);
    return this.driver;
  }

  /** Writes a weight, or with null the route as it is after a release; nothing is pushed yet. */
  ask(weight: number | null): void {
    this.#generation += 1;
    this.#weight = weight ?? Number.NaN;
    const destination = (host: string): object => ({ destination: { host } });
    const route =
      weight === null
        ? [destination('web')]
        : [
            { ...destination('web-primary'), weight: 100 - weight },
            { ...destination('web-canary'), weight },
          ];
    this.istiod.store = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'web', namespace: 'shop', uid: this.#uid, generation: this.#generation },
      spec: { hosts: ['web'], [this.request.protocol === 'tcp' ? 'tcp' : 'http']: [{ route }] },
    };
    this.#route = this.istiod.store;
  }
  #route: KubeObject | null = null;

  /** Writes a weight and pushes it. */
  push(weight: number): void {
    this.ask(weight);
    this.istiod.push();
  }

  see(shouldAsk = true): LiveSeen {
    const asked = Number.isNaN(this.#weight) ? null : this.#weight;
    const seen = {
      state: 'ready',
      askedPercent: asked,
      livePercent: 'unknown',
      fence: null,
      isFenceable: true,
    } as const;
    const found = { seen, objects: new Map([['VirtualService/web', this.#route]]), problem: null };
    return this.driver.live!(this.request, found, shouldAsk);
  }

  /** Looks as the loop does, for as long as told, and gives what was seen last. */
  async after(seconds: number): Promise<LiveSeen['livePercent']> {
    for (let passed = 0; passed < seconds; passed += 1) {
      this.see();
      await this.clock.advance(1_000);
    }
    return this.see().livePercent;
  }

  requests(path: string): number {
    return this.http.sent.filter((sent) => sent.path === path).length;
  }
}

describe('the live weight of Istio', () => {
  let mesh: Mesh;
  beforeEach(() => {
    mesh = new Mesh();
    mesh.ask(0);
    mesh.istiod.connect('gw-1.istio-system');
    mesh.istiod.connect('client-1.shop');
  });

  it('is told nothing of where no istiod is named', () => {
    expect('live' in meshProvider.create(openWorld(istio).embedded.kube)).toBe(false);
    expect('live' in mesh.start([])).toBe(false);
  });

  it('is believed at the start only after istiod had the time to push what it holds', async () => {
    expect(mesh.see()).toEqual({ livePercent: 'pending', pollMs: 1_000 });
    expect(await mesh.after(10)).toBe('pending');
    expect(await mesh.after(6)).toBe(0);
    // Nothing more is asked for this version of the route.
    const sent = mesh.http.sent.length;
    expect(await mesh.after(30)).toBe(0);
    expect(mesh.see().pollMs).toBeUndefined();
    expect(mesh.http.sent).toHaveLength(sent);
  });

  it('asks nothing at rest, and keeps what is known', async () => {
    expect(mesh.see(false)).toEqual({ livePercent: 'unknown' });
    await mesh.clock.advance(20_000);
    expect(mesh.http.sent).toHaveLength(0);
    await mesh.after(16);
    expect(mesh.see(false)).toEqual({ livePercent: 0 });
  });

  it('follows each weight once every proxy has acknowledged it', async () => {
    await mesh.after(16);
    for (const weight of [20, 50, 0, 100, 0]) {
      mesh.ask(weight);
      expect(await mesh.after(3)).not.toBe(weight);
      mesh.istiod.push();
      expect(await mesh.after(3)).toBe(weight);
    }
  });

  it.each(['tcp', 'grpc'] as const)('is read for %s too', async (protocol) => {
    mesh = new Mesh({}, protocol);
    mesh.ask(0);
    mesh.istiod.connect('client-1.shop');
    await mesh.after(16);
    mesh.push(30);
    expect(await mesh.after(3)).toBe(30);
    mesh.push(0);
    expect(await mesh.after(3)).toBe(0);
  });

  it('is pending while istiod stands still, and no look waits for it', async () => {
    await mesh.after(16);
    mesh.push(30);
    await mesh.after(3);
    mesh.istiod.isPaused = true;
    mesh.ask(0);
    expect(await mesh.after(120)).toBe('pending');
    mesh.istiod.isPaused = false;
    expect(await mesh.after(5)).toBe(30);
    mesh.istiod.push();
    expect(await mesh.after(6)).toBe(0);
  });

  it('does not take an old 0 for the present one after a weight that was never pushed', async () => {
    await mesh.after(16);
    mesh.istiod.isPaused = true;
    mesh.ask(30);
    await mesh.after(5);
    mesh.ask(0);
    await mesh.after(5);
    mesh.istiod.isPaused = false;
    // All proxies still hold the first 0. The 30 is on its way.
    const held = mesh.istiod.store;
    expect(await mesh.after(4)).toBe('pending');
    mesh.istiod.store = { ...held!, spec: { http: [pairOf(30)] } };
    mesh.istiod.push();
    expect(await mesh.after(6)).not.toBe(0);
    mesh.istiod.store = held;
    mesh.istiod.push();
    expect(await mesh.after(25)).toBe(0);
  });

  it('does not believe a restarted controller at once either: istiod must hold this version', async () => {
    await mesh.after(16);
    mesh.push(20);
    await mesh.after(3);
    const old = mesh.istiod.store;
    mesh.ask(0);
    mesh.istiod.store = { ...old!, spec: { http: [pairOf(0)] } };
    mesh.istiod.push();
    mesh.start();
    // Its informer is behind: what it holds is of generation 2, whatever it says.
    expect(await mesh.after(60)).toBe('pending');
  });

  it.each([
    ['has not acknowledged', (one: Mesh) => (one.istiod.proxies.get('client-1.shop')!.isAcking = false), 'pending'],
    ['is still in the queue', null, 20],
  ])('is not there while one proxy %s', async (_what, before, meanwhile) => {
    await mesh.after(16);
    mesh.push(20);
    await mesh.after(3);
    before?.(mesh);
    mesh.ask(0);
    mesh.istiod.push(before === null ? ['gw-1.istio-system'] : undefined);
    expect(await mesh.after(60)).toBe(meanwhile);
    mesh.istiod.proxies.get('client-1.shop')!.isAcking = true;
    mesh.istiod.push();
    expect(await mesh.after(6)).toBe(0);
  });

  it('does not take a proxy that cannot be looked at for one that follows', async () => {
    await mesh.after(16);
    mesh.push(20);
    await mesh.after(3);
    // A push for something else: by its nonce nobody knows what it holds.
    mesh.istiod.push();
    mesh.http.on('istiod.sim', (request, url) =>
      url.search.includes('client-1') ? { status: 404, body: '' } : mesh.istiod.answer(request, url),
    );
    mesh.ask(0);
    mesh.istiod.push(['gw-1.istio-system']);
    expect(await mesh.after(20)).toBe('pending');
    mesh.istiod.push();
    // One proxy speaks for the others that were given the same push or a later one.
    expect(await mesh.after(6)).toBe(0);
  });

  it('does not wait for proxies that this route does not concern, however far behind they are', async () => {
    const old = mesh.istiod.connect('elsewhere.other', false);
    await mesh.after(16);
    mesh.push(20);
    expect(await mesh.after(3)).toBe(20);
    old.isAcking = false;
    old.sent = old.sent.replace('/0', '/1');
    mesh.push(0);
    expect(await mesh.after(4)).toBe(0);
    // They are looked at once for each push that they were given, not at each weight.
    expect(mesh.requests('/debug/config_dump')).toBeLessThan(14);
  });

  it('waits a while for a proxy that vanished, and not for ever', async () => {
    await mesh.after(16);
    mesh.push(20);
    await mesh.after(3);
    mesh.istiod.proxies.get('client-1.shop')!.isConnected = false;
    mesh.push(0);
    expect(await mesh.after(20)).toBe('pending');
    expect(await mesh.after(20)).toBe(0);
  });

  it('does not wait for the pods that come and go in a mesh of some size, but for an istiod that lost its proxies', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `client-${index + 10}.shop`);
    for (const name of names) mesh.istiod.connect(name);
    await mesh.after(30);
    mesh.push(20);
    expect(await mesh.after(4)).toBe(20);
    mesh.istiod.proxies.delete(names[0]!);
    mesh.istiod.proxies.delete(names[1]!);
    await mesh.clock.advance(60_000);
    mesh.push(0);
    expect(await mesh.after(4)).toBe(0);
    mesh.push(20);
    expect(await mesh.after(4)).toBe(20);
    await mesh.clock.advance(60_000);
    // It restarts: one proxy is back, the others are about to.
    for (const name of [...mesh.istiod.proxies.keys()].slice(1)) mesh.istiod.proxies.get(name)!.isConnected = false;
    mesh.push(0);
    expect(await mesh.after(20)).toBe('pending');
    for (const proxy of mesh.istiod.proxies.values()) proxy.isConnected = true;
    mesh.istiod.push();
    expect(await mesh.after(6)).toBe(0);
  });

  it('takes an istiod without any proxy for one that they have still to come back to', async () => {
    await mesh.after(16);
    mesh.push(20);
    await mesh.after(3);
    mesh.istiod.proxies.clear();
    mesh.push(0);
    expect(await mesh.after(120)).toBe('pending');
  });

  it('is unknown where no proxy routes by it', async () => {
    mesh = new Mesh();
    mesh.ask(0);
    mesh.istiod.connect('elsewhere.other', false);
    expect(await mesh.after(20)).toBe('unknown');
  });

  it('wants all istiods, because each knows its own proxies only', async () => {
    const other = new ScriptedIstiod(() => mesh.clock.nowMs());
    other.store = mesh.istiod.store;
    mesh.http.on('istiod-b.sim', other.answer);
    other.connect('client-2.shop');
    mesh.start(URLS);
    await mesh.after(20);
    mesh.push(20);
    expect(await mesh.after(5)).not.toBe(20);
    other.store = mesh.istiod.store;
    other.push();
    expect(await mesh.after(5)).toBe(20);
    other.isPaused = true;
    mesh.push(0);
    expect(await mesh.after(30)).toBe('pending');
  });

  it('finds all istiods behind one name, and those that come later', async () => {
    const other = new ScriptedIstiod(() => mesh.clock.nowMs());
    other.store = mesh.istiod.store;
    mesh.http.on('10.244.0.7', mesh.istiod.answer);
    mesh.http.on('[fd00::8]', other.answer);
    other.connect('client-2.shop');
    mesh.addresses = { 'istiod.sim': ['10.244.0.7'] };
    await mesh.after(20);
    mesh.addresses = { 'istiod.sim': ['10.244.0.7', 'fd00::8'] };
    mesh.push(20);
    expect(await mesh.after(5)).not.toBe(20);
    other.store = mesh.istiod.store;
    other.push();
    expect(await mesh.after(5)).toBe(20);
    mesh.addresses = null;
    mesh.http.on('istiod.sim', () => 'hang');
    mesh.push(0);
    expect(await mesh.after(30)).toBe('pending');
  });

  it('waits after the release too, until no proxy leads to the pair', async () => {
    await mesh.after(16);
    mesh.push(20);
    await mesh.after(3);
    mesh.push(0);
    await mesh.after(3);
    mesh.ask(null);
    expect(await mesh.after(20)).toBe('pending');
    mesh.istiod.push();
    expect(await mesh.after(6)).toBe('unknown');
    expect(mesh.see().pollMs).toBeUndefined();
  });

  it('is read for a delegate from the rules of whoever leads to it', async () => {
    mesh = new Mesh({ delegation: true });
    mesh.ask(0);
    mesh.istiod.connect('gw-1.istio-system');
    await mesh.after(16);
    mesh.push(20);
    expect(await mesh.after(3)).toBe(20);
  });

  it.each([
    ['refuses', { status: 401, body: '' }],
    ['answers something else', { status: 200, body: '<html>' }],
    ['answers another shape', { status: 200, body: '{"a":1}' }],
    ['is not told to answer there', { status: 404, body: '' }],
  ])('is unknown where istiod %s, and a warning says so once', async (_what, reply) => {
    mesh.http.on('istiod.sim', () => reply);
    expect(await mesh.after(10)).toBe('unknown');
    expect(mesh.warnings).toHaveLength(1);
  });

  it('sends the token, and never names it', async () => {
    mesh.token = 'secret-token';
    await mesh.after(3);
    expect(mesh.http.sent[0]?.headers['authorization']).toBe('Bearer secret-token');
    mesh.http.on('istiod.sim', () => ({ status: 403, body: '' }));
    await mesh.after(5);
    expect(JSON.stringify(mesh.warnings)).not.toContain('secret-token');
  });
});

const pairOf = (weight: number): object => ({
  route: [
    { destination: { host: 'web-primary' }, weight: 100 - weight },
    { destination: { host: 'web-canary' }, weight },
  ],
});
