// The live weight of Istio: whether every proxy has acknowledged a push that holds the route as it is, by istiod's own account.
import type { RouteSeen } from '../core/observation.ts';
import type { KubeObject } from '../kube/contract.ts';
import { sleep } from '../util/clock.ts';
import type { LiveSeen, MeshOutside, RouteFound, RouteRequest } from './contract.ts';
import type { ProxyRoutes, ProxySync, XdsType } from './istiod-answers.ts';
import { Istiod } from './istiod.ts';
import { floorsOf, isSettled, judgeAll, judgeOne } from './istio-proxies.ts';
import type { Floors, Judgement, ProxyAt as ProxyOf, Wanted } from './istio-proxies.ts';

type ProxyAt = ProxyOf<Istiod>;
type Verdict = { readonly livePercent: RouteSeen['livePercent']; readonly isFinal: boolean };

/** Shortest time between two rounds of questions, while the route is young and later. */
const ROUND_MS = 1_000;
const ROUND_LATER_MS = 5_000;
/** How long a route counts as young. */
const YOUNG_MS = 30_000;
/** Dumps of proxies in one round, and at once. */
const DUMPS_MAX = 25;
const DUMPS_AT_ONCE = 5;
/** A push is taken up by a proxy's stream and sent within less: what was dumped in between is not what was sent before. */
const CONFIRM_MS = 500;
/** How long istiod may gather changes before it pushes them (PILOT_DEBOUNCE_MAX, 10 s by default), and what making the push takes. */
const PUSHED_WITHIN_MS = 12_000;
/** A proxy that lost its istiod comes back, and one whose pod goes ends, within less. */
const VANISHED_MS = 30_000;
/** Pods come and go one by one; an istiod that restarts loses its proxies at once. Fewer than this part of them are not waited for, in a mesh of some size. */
const VANISHED_PART = 0.1;
const SMALL_MESH = 10;
/** How long a proxy that was seen is remembered. */
const REMEMBERED_MS = 600_000;
/** Tracks that nobody asked for this long are dropped. */
const IDLE_MS = 3_600_000;

/** What is known of the route of one Canary. */
interface Track {
  readonly routeUid: string;
  generation: number;
  wanted: Wanted;
  youngUntilMs: number;
  /** No push from now on is of an older generation than this. Null before it is known. */
  flushed: number | null;
  /** What the generations since then wanted. */
  readonly since: Map<number, Wanted>;
  /** By nonce: what that push made a proxy do. */
  contents: Map<string, ProxyRoutes>;
  /** By istiod: since when it holds this generation, or when it was asked last. */
  readonly held: Map<Istiod, { readonly isHeld: boolean; readonly atMs: number }>;
  /** Proxies that route by it, when they were seen, and the last generation that they have taken. */
  readonly routers: Map<string, { readonly atMs: number; readonly taken: number }>;
  sinceMs: number;
  verdict: Verdict | null;
  roundAtMs: number;
  isAsking: boolean;
  askedForMs: number;
}

/** Follows the routes of all Canaries in one mesh. */
export class IstioLive {
  readonly #outside: MeshOutside;
  /** Those of the last round, by address. */
  #istiods: ReadonlyMap<string, Istiod> = new Map();
  readonly #tracks = new Map<string, Track>();
  #warned = '';

  constructor(outside: MeshOutside) {
    this.#outside = outside;
  }

  /** What is known by now; questions are asked in the background, so that no look waits for an istiod that stands still. */
  see(request: RouteRequest, found: RouteFound, shouldAsk: boolean): LiveSeen {
    const route: KubeObject | null = found.objects.get(`VirtualService/${request.names.apex}`) ?? null;
    const generation = route?.metadata.generation;
    if (route === null || generation === undefined) return { livePercent: 'unknown' };
    const nowMs = this.#outside.clock.monotonicMs();
    const track = this.#trackOf(request, String(route.metadata.uid), nowMs);
    const wanted: Wanted = found.seen.askedPercent ?? 'released';
    if (track.generation !== generation || track.wanted !== wanted) begin(track, generation, wanted, nowMs);
    track.askedForMs = nowMs;
    const pauseMs = nowMs < track.youngUntilMs ? ROUND_MS : ROUND_LATER_MS;
    if (track.verdict?.isFinal === true) return { livePercent: track.verdict.livePercent };
    if (!shouldAsk) return { livePercent: 'unknown' };
    if (!track.isAsking && nowMs - track.roundAtMs >= pauseMs - ROUND_MS / 10) void this.#ask(track, request);
    return { livePercent: track.verdict?.livePercent ?? 'pending', pollMs: pauseMs };
  }

  #trackOf(request: RouteRequest, routeUid: string, nowMs: number): Track {
    const key = request.owner.uid;
    const known = this.#tracks.get(key);
    if (known?.routeUid === routeUid) return known;
    for (const [name, { askedForMs }] of this.#tracks) if (nowMs - askedForMs > IDLE_MS) this.#tracks.delete(name);
    const track: Track = {
      routeUid,
      generation: -1,
      wanted: 'released',
      youngUntilMs: nowMs,
      sinceMs: nowMs,
      flushed: null,
      since: new Map(),
      contents: new Map(),
      held: new Map(),
      routers: new Map(),
      verdict: null,
      roundAtMs: Number.NEGATIVE_INFINITY,
      isAsking: false,
      askedForMs: nowMs,
    };
    this.#tracks.set(key, track);
    return track;
  }

  /** One round of questions. Never throws. */
  async #ask(track: Track, request: RouteRequest): Promise<void> {
    const { generation, wanted } = track;
    track.isAsking = true;
    track.roundAtMs = this.#outside.clock.monotonicMs();
    try {
      const verdict = await this.#judge(track, request);
      // Another generation began while the questions were out: their answers are of no use for it.
      if (track.generation !== generation || track.wanted !== wanted) return;
      // Something moves: more is to be expected soon.
      if (track.verdict?.livePercent !== verdict.livePercent)
        track.youngUntilMs = this.#outside.clock.monotonicMs() + YOUNG_MS;
      track.verdict = verdict;
      if (verdict.isFinal) {
        track.flushed = generation;
        track.since.clear();
      }
    } catch (error) {
      track.verdict = PENDING;
      this.#warn(`Asking istiod failed: ${String(error)}`);
    } finally {
      track.isAsking = false;
    }
  }

  async #judge(track: Track, request: RouteRequest): Promise<Verdict> {
    const type: XdsType = request.protocol === 'tcp' ? 'LDS' : 'RDS';
    const first = await this.#proxies(type);
    if (!isList(first)) return first;
    const isTransition = isIdentified(track);
    const dumped = await this.#dump(track, request, type, first, floorsIn(track, first, isTransition));
    let proxies: readonly ProxyAt[] = first;
    if (dumped.length > 0) {
      await sleep(this.#outside.clock, CONFIRM_MS);
      const second = await this.#proxies(type);
      if (!isList(second)) return second;
      proxies = second;
      // Judged by what is acknowledged now: a push that was being made while istiod dumped it has another nonce by now.
      for (const { nonce, routes } of dumped) track.contents.set(nonce, routes);
    }
    const nowMs = this.#outside.clock.monotonicMs();
    forgetOld(track, proxies);
    const floors = floorsIn(track, proxies, isTransition);
    const each = proxies.map((proxy) => judgeOne(proxy, track.contents, track.wanted, floors));
    const judged = judgeAll(each, track.wanted);
    const isMissing = hasVanished(track, proxies, each, nowMs);
    if (proxies.length === 0 || judged === 'pending' || isMissing) return PENDING;
    if (judged === 'nobody')
      return track.wanted === 'released' ? await this.#settle(track, request, isTransition) : UNKNOWN;
    if (judged !== 'taken') return { livePercent: judged, isFinal: false };
    return this.#settle(track, request, isTransition);
  }

  /** All proxies do as wanted; final once what they hold cannot be left over from an earlier time when the same was wanted. */
  async #settle(track: Track, request: RouteRequest, isTransition: boolean): Promise<Verdict> {
    const isFinal = isTransition || (await this.#isPushed(track, request));
    if (!isFinal) return PENDING;
    return { livePercent: track.wanted === 'released' ? 'unknown' : track.wanted, isFinal };
  }

  /** Every istiod has held this generation for as long as it may take to push it. */
  async #isPushed(track: Track, request: RouteRequest): Promise<boolean> {
    const { generation } = track;
    for (const istiod of this.#istiods.values()) {
      const nowMs = this.#outside.clock.monotonicMs();
      const known = track.held.get(istiod);
      if (known?.isHeld === true || (known !== undefined && nowMs - known.atMs < ROUND_LATER_MS)) continue;
      const answer = await istiod.generation(request);
      if (track.generation !== generation) return false;
      const isHeld = answer.kind === 'told' && answer.value >= generation;
      track.held.set(istiod, { isHeld, atMs: this.#outside.clock.monotonicMs() });
    }
    const nowMs = this.#outside.clock.monotonicMs();
    return [...this.#istiods.values()].every((istiod) => {
      const held = track.held.get(istiod);
      return held?.isHeld === true && nowMs - held.atMs >= PUSHED_WITHIN_MS;
    });
  }

  /** All proxies of all istiods, or what it means that one does not tell. */
  async #proxies(type: XdsType): Promise<readonly ProxyAt[] | Verdict> {
    await this.#find();
    const answers = await Promise.all(
      [...this.#istiods.values()].map(async (istiod) => ({ istiod, answer: await istiod.sync() })),
    );
    const proxies: ProxyAt[] = [];
    let verdict: Verdict | null = null;
    for (const { istiod, answer } of answers) {
      if (answer.kind === 'told') proxies.push(...answer.value.map((sync) => proxyAt(sync, istiod, type)));
      else {
        if (answer.kind === 'mute') this.#warn(`istiod does not tell what is live: ${answer.why}`);
        // One that stands still weighs more than one that will not tell.
        verdict = answer.kind === 'silent' ? PENDING : (verdict ?? UNKNOWN);
      }
    }
    return verdict ?? proxies;
  }

  /** Looks for the istiods: a headless Service names each of several by an address of its own. */
  async #find(): Promise<void> {
    const { istiodUrls } = this.#outside;
    const urls = (await Promise.all(istiodUrls.map((url) => this.#addressesOf(url)))).flat();
    this.#istiods = new Map(
      urls.map((url) => [url, this.#istiods.get(url) ?? new Istiod(this.#outside, url)] as const),
    );
  }

  /** A certificate is for a name, so that https keeps it. A name that cannot be resolved now is an istiod that does not answer. */
  async #addressesOf(base: string): Promise<readonly string[]> {
    const url = new URL(base);
    if (url.protocol === 'https:') return [base];
    try {
      const found = await this.#outside.resolve(url.hostname);
      return found.length === 0 ? [base] : found.map((address) => withHost(base, address));
    } catch {
      return [base];
    }
  }

  /** Dumps the proxies of which it is not known what they do. */
  async #dump(
    track: Track,
    request: RouteRequest,
    type: XdsType,
    proxies: readonly ProxyAt[],
    floors: Floors,
  ): Promise<readonly { readonly nonce: string; readonly routes: ProxyRoutes }[]> {
    const unknown = proxies.filter((proxy) => !isSettled(proxy, track.contents, floors));
    const left = unknown.slice(0, DUMPS_MAX);
    const dumped: { nonce: string; routes: ProxyRoutes }[] = [];
    const work = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const answer = await next.istiod.routes(next.proxy, type, request);
        if (answer.kind === 'told' && next.exchange !== null)
          dumped.push({ nonce: next.exchange.sent, routes: answer.value });
      }
    };
    await Promise.all(Array.from({ length: DUMPS_AT_ONCE }, work));
    return dumped;
  }

  #warn(reason: string): void {
    if (this.#warned === reason) return;
    this.#warned = reason;
    this.#outside.log.warn('The live weight cannot be told', { reason });
  }
}

function withHost(base: string, address: string): string {
  const url = new URL(base);
  url.hostname = address.includes(':') ? `[${address}]` : address;
  return url.href;
}

const PENDING: Verdict = { livePercent: 'pending', isFinal: false };
const UNKNOWN: Verdict = { livePercent: 'unknown', isFinal: false };

/** Another generation, or another share: all judgements begin anew; what pushes hold stays true. */
function begin(track: Track, generation: number, wanted: Wanted, nowMs: number): void {
  if (track.generation >= 0) track.since.set(track.generation, track.wanted);
  track.generation = generation;
  track.wanted = wanted;
  track.youngUntilMs = nowMs + YOUNG_MS;
  track.sinceMs = nowMs;
  track.roundAtMs = Number.NEGATIVE_INFINITY;
  track.held.clear();
  track.verdict = null;
}

/**
 * What is wanted now was wanted by no generation that may still be under way, so that a push that holds it is of this
 * generation: each since the one that was pushed everywhere is known, and wanted something else.
 */
function isIdentified({ flushed, generation, since, wanted }: Track): boolean {
  if (flushed === null) return false;
  for (let earlier = flushed; earlier < generation; earlier += 1) {
    const before = since.get(earlier);
    if (before === undefined || before === wanted) return false;
  }
  return true;
}

const isList = (found: readonly ProxyAt[] | Verdict): found is readonly ProxyAt[] => Array.isArray(found);

function proxyAt(sync: ProxySync, istiod: Istiod, type: XdsType): ProxyAt {
  return { istiod, proxy: sync.proxy, exchange: sync[type] };
}

/** Nonces that no proxy holds any more say nothing. */
function forgetOld(track: Track, proxies: readonly ProxyAt[]): void {
  const kept = new Set(proxies.flatMap(({ exchange }) => (exchange === null ? [] : [exchange.sent, exchange.acked])));
  track.contents = new Map([...track.contents].filter(([nonce]) => kept.has(nonce)));
}

function floorsIn(track: Track, proxies: readonly ProxyAt[], isTransition: boolean): Floors {
  return isTransition ? floorsOf(proxies, track.contents, track.wanted) : new Map();
}

/** Proxies that route by this route were there before and are not now: they still do what they did. */
function hasVanished(track: Track, proxies: readonly ProxyAt[], each: readonly Judgement[], nowMs: number): boolean {
  for (const [index, { proxy }] of proxies.entries()) {
    const judged = each[index];
    const known = track.routers.get(proxy);
    if (judged === 'nobody' || (judged === 'pending' && known === undefined)) continue;
    const taken = judged === 'taken' ? track.generation : (known?.taken ?? -1);
    track.routers.set(proxy, { atMs: nowMs, taken });
  }
  for (const [name, { atMs }] of track.routers) if (nowMs - atMs > REMEMBERED_MS) track.routers.delete(name);
  const present = new Set(proxies.map(({ proxy }) => proxy));
  const missing = [...track.routers].filter(
    ([name, { atMs, taken }]) =>
      !present.has(name) && taken !== track.generation && nowMs - Math.max(atMs, track.sinceMs) < VANISHED_MS,
  );
  const isFew = track.routers.size > SMALL_MESH && missing.length <= track.routers.size * VANISHED_PART;
  return missing.length > 0 && !isFew;
}
