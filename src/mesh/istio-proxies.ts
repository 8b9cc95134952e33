// Judges proxies by what they have acknowledged: pure, so that every order of pushes can be tried.
import { isSince, pushOf } from './istiod-answers.ts';
import type { Exchange, ProxyRoutes, Push } from './istiod-answers.ts';

/** The share that the route asks for, or that it leads to neither primary nor canary any more. */
export type Wanted = number | 'released';

/** One proxy of one istiod. `exchange` is null when it asks for no routes of this kind. */
export interface ProxyAt<Istiod extends object = object> {
  readonly istiod: Istiod;
  readonly proxy: string;
  readonly exchange: Exchange | null;
}

/** By nonce: what that push makes a proxy do. */
export type Contents = ReadonlyMap<string, ProxyRoutes>;

/**
 * taken: all that route by it do as wanted. nobody: no proxy routes by it. A number: the largest share that a proxy still gives
 * the canary, where it is not the one wanted. pending: a proxy has not acknowledged what was sent, or it is not known what it does.
 */
export type Judgement = 'taken' | 'nobody' | 'pending' | number;

/** By istiod: the first push that is known to hold what is wanted, and to be acknowledged. */
export type Floors = ReadonlyMap<object, Push>;

/** True when nothing has to be asked about this proxy. */
export function isSettled(proxy: ProxyAt, contents: Contents, floors: Floors): boolean {
  const { exchange } = proxy;
  if (exchange === null || contents.has(exchange.sent)) return true;
  return exchange.sent === exchange.acked && isAfterFloor(proxy, floors);
}

/** What all proxies do, from what each does. */
export function judgeAll(judged: readonly Judgement[], wanted: Wanted): Judgement {
  if (judged.includes('pending')) return 'pending';
  const shares = judged.filter((one) => typeof one === 'number');
  if (shares.length > 0) return wanted === 'released' ? 'pending' : Math.max(...shares);
  return judged.includes('taken') ? 'taken' : 'nobody';
}

/** What one proxy does. Behind a floor one proxy speaks for the others of its istiod. */
export function judgeOne(proxy: ProxyAt, contents: Contents, wanted: Wanted, floors: Floors): Judgement {
  const { exchange } = proxy;
  if (exchange === null) return 'nobody';
  const [now, before] = [contents.get(exchange.sent), contents.get(exchange.acked)];
  if (exchange.sent !== exchange.acked) {
    const isBystander = now !== undefined && !isRouter(now) && (before === undefined || !isRouter(before));
    return isBystander ? 'nobody' : 'pending';
  }
  if (now === undefined) return isAfterFloor(proxy, floors) ? 'taken' : 'pending';
  if (!isRouter(now)) return 'nobody';
  return isAsWanted(now, wanted) ? 'taken' : Math.max(0, ...now.canaryShares);
}

/** The proxy sends traffic to the primary or the canary. */
function isRouter({ canaryShares, hasPrimary }: ProxyRoutes): boolean {
  return hasPrimary || canaryShares.length > 0;
}

function isAsWanted({ canaryShares, hasPrimary }: ProxyRoutes, wanted: Wanted): boolean {
  if (wanted === 'released') return false;
  if (wanted === 0) return canaryShares.length === 0 && hasPrimary;
  return canaryShares.length > 0 && canaryShares.every((share) => Math.abs(share - wanted) < 1e-6);
}

/**
 * The floors of all istiods. Only where what is wanted can be told from everything that may still be under way: then every
 * push since one that holds it holds it too.
 */
export function floorsOf(proxies: readonly ProxyAt[], contents: Contents, wanted: Wanted): Floors {
  const floors = new Map<object, Push>();
  for (const { istiod, exchange } of proxies) {
    if (exchange === null || exchange.sent !== exchange.acked) continue;
    const routes = contents.get(exchange.sent);
    const push = pushOf(exchange.sent);
    if (routes === undefined || push === null || !isAsWanted(routes, wanted)) continue;
    const held = floors.get(istiod);
    if (held === undefined || isSince(held, push)) floors.set(istiod, push);
  }
  return floors;
}

function isAfterFloor({ istiod, exchange }: ProxyAt, floors: Floors): boolean {
  const floor = floors.get(istiod);
  const push = exchange === null ? null : pushOf(exchange.sent);
  return floor !== undefined && push !== null && isSince(push, floor);
}
