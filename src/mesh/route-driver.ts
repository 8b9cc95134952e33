// One driver for every mesh whose route is an object with weighted backends; a provider describes its objects in a RouteDialect.
import type { RouteSeen } from '../core/observation.ts';
import { ConflictError, InvalidSpecError, UnsupportedError } from '../errors.ts';
import type { CallOptions, Kube, KubeObject, ObjectRef, PatchOperation, ResourceKind } from '../kube/contract.ts';
import type { Json, JsonObject } from '../util/json.ts';
import { adoption, askedOf, judgeLists, ORIGINAL_KEY, restoreOps, weightOps, withApex, withShare } from './backends.ts';
import type { BackendDialect, BackendList } from './backends.ts';
import type { MeshDriver, RouteFound, RouteRequest, RouteWant } from './contract.ts';
import { findKinds, needKind } from './kind-lookup.ts';
import type { KindLookup, KindWish } from './kind-lookup.ts';
import { describeObject } from './names.ts';
import { controllerOf, digestOf, isDrifted, keyOf, OwnedWriter, RELEASED_KEY, standingOf } from './owned.ts';
import type { Planned } from './owned.ts';
import { annotationOps, disownOps } from './patches.ts';
import type { Flaw } from './service-fields.ts';
import { assertWeight } from './weights.ts';

/** Objects as read, by `Kind/name`; null for one that does not exist. */
export type Objects = ReadonlyMap<string, KubeObject | null>;

/** The objects of one Canary's route in the order in which they are made. */
export interface RoutePlan {
  readonly objects: readonly Planned[];
  /** The member of `objects` that carries weights and fence. */
  readonly route: Planned;
  readonly backends: BackendDialect;
}

/** What a provider says about its route objects. All of it is pure. */
export interface RouteDialect {
  readonly provider: string;
  readonly kinds: readonly KindWish[];
  validate(request: RouteRequest): readonly Flaw[];
  /** The objects to look at, given what was seen so far; asked again until nothing new is named. */
  reads(request: RouteRequest, kinds: KindLookup, seen: Objects): readonly ObjectRef[];
  plan(request: RouteRequest, kinds: KindLookup, seen: Objects): RoutePlan;
  /** What the status of the route says of this version of it. Absent where it says nothing. */
  reported?(route: KubeObject): Reported;
}

/** taken: the data plane has this version; notYet: what is reported is of an older one; unknown: nobody reports, or no version is taken. */
export type Reported = 'taken' | 'notYet' | 'unknown';

const OWNED_BY_ANOTHER = 'RouteOwnedByAnother';

/** Everything that one call works on. */
interface Work {
  readonly request: RouteRequest;
  readonly plan: RoutePlan;
  readonly objects: Objects;
  readonly writer: OwnedWriter;
}

/** The driver of a provider that is described by `dialect`. */
export function createRouteDriver(kube: Kube, dialect: RouteDialect): MeshDriver {
  const lookUp = (): Promise<KindLookup> => findKinds(kube, dialect.provider, dialect.kinds);
  const open = async (request: RouteRequest, objects: Objects, options?: CallOptions): Promise<Work> => {
    const plan = dialect.plan(request, await lookUp(), objects);
    return { request, plan, objects, writer: new OwnedWriter(kube, request.owner, options) };
  };
  const refuse = (request: RouteRequest, found: RouteFound): void => {
    const flaw = dialect.validate(request)[0];
    if (flaw !== undefined)
      throw new InvalidSpecError('SPEC_SERVICE', flaw.path, `Cannot use ${flaw.path}: ${flaw.message}`);
    if (found.problem !== null) throw new UnsupportedError('CAPABILITY_ROUTE', found.problem.message);
  };
  return {
    async kinds(): Promise<readonly ResourceKind[]> {
      const lookup = await lookUp();
      const needed = dialect.kinds.filter(({ isOptional }) => !isOptional);
      for (const { kind } of needed) needKind(lookup, kind);
      return [...lookup.found.values()];
    },
    async refs(request) {
      const kinds = await lookUp();
      const seen = await readAll(kube, dialect, request, kinds);
      const planned = dialect.plan(request, kinds, seen).objects.map(({ ref }) => ref);
      const all = [...planned, ...dialect.reads(request, kinds, seen)];
      return [...new Map(all.map((ref) => [keyOf(ref), ref])).values()];
    },
    validate: (request) => dialect.validate(request),
    async read(request, options) {
      const kinds = await lookUp();
      const lack = lackOf(request, dialect, kinds);
      if (lack !== null) return lack;
      const objects = await readAll(kube, dialect, request, kinds, options);
      return inspect(request, dialect, dialect.plan(request, kinds, objects), objects);
    },
    async ensure(request, found, want, options) {
      assertWeight(want.weightPercent);
      refuse(request, found);
      const work = await open(request, found.objects, options);
      for (const planned of work.plan.objects) await ensureOne(work, planned, want);
    },
    async write(request, found, want, options) {
      assertWeight(want.weightPercent);
      if (found.problem !== null && found.seen.askedPercent === null) {
        throw new UnsupportedError('CAPABILITY_ROUTE', found.problem.message);
      }
      const work = await open(request, found.objects, options);
      await writeWeights(work, want);
    },
    async release(request, found, shouldRevert, options) {
      if (lackOf(request, dialect, await lookUp()) !== null) return;
      const work = await open(request, found.objects, options);
      // Whatever receives the traffic is made safe before the traffic is sent there.
      const supports = work.plan.objects.filter((planned) => planned !== work.plan.route);
      for (const planned of supports) await releaseSupport(work, planned);
      await releaseRoute(work, shouldRevert);
    },
  };
}

/** A route whose kinds the cluster does not serve: there is none, and none can be made. Null when they are served. */
function lackOf(request: RouteRequest, dialect: RouteDialect, kinds: KindLookup): RouteFound | null {
  try {
    dialect.plan(request, kinds, new Map());
    return null;
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    const problem = { reason: 'KindMissing', message: error.message };
    return {
      seen: { state: 'absent', askedPercent: null, livePercent: 'unknown', fence: null, isFenceable: true },
      objects: new Map(),
      problem,
    };
  }
}

async function readAll(
  kube: Kube,
  dialect: RouteDialect,
  request: RouteRequest,
  kinds: KindLookup,
  options?: CallOptions,
): Promise<Objects> {
  const seen = new Map<string, KubeObject | null>();
  for (;;) {
    const missing = dialect.reads(request, kinds, seen).filter((ref) => !seen.has(keyOf(ref)));
    if (missing.length === 0) return seen;
    const read = missing.map(async (ref) => ({ key: keyOf(ref), object: await kube.cache.read(ref, options) }));
    for (const { key, object } of await Promise.all(read)) seen.set(key, object);
  }
}

function inspect(request: RouteRequest, dialect: RouteDialect, plan: RoutePlan, objects: Objects): RouteFound {
  const route = objects.get(keyOf(plan.route.ref)) ?? null;
  const problem = problemOf(request, plan, objects);
  // A pair of ours stays ours to bring to 0, whatever else has become wrong with the route.
  const isAnothers = problem?.reason === OWNED_BY_ANOTHER;
  const asked = route === null || isAnothers ? null : askedOf(judgeLists(route['spec'], plan.backends), plan.backends);
  const isQuiet = plan.objects.every((planned) => isSettled(request, plan, planned, objects));
  const state = route === null ? 'absent' : isQuiet && problem === null && asked !== null ? 'ready' : 'drifted';
  const reported = route === null || isAnothers ? 'unknown' : (dialect.reported?.(route) ?? 'unknown');
  const fence = route?.metadata.annotations?.[request.fenceKey] ?? null;
  return {
    seen: { state, askedPercent: asked, livePercent: liveOf(reported, asked), fence, isFenceable: true },
    objects,
    problem,
  };
}

function liveOf(reported: Reported, asked: number | null): RouteSeen['livePercent'] {
  if (reported === 'notYet') return 'pending';
  return reported === 'taken' && asked !== null ? asked : 'unknown';
}

/** True when ensure would leave the object as it is. */
function isSettled(request: RouteRequest, plan: RoutePlan, planned: Planned, objects: Objects): boolean {
  if (planned.isReleaseOnly === true) return true;
  const found = objects.get(keyOf(planned.ref)) ?? null;
  const isRoute = planned === plan.route;
  const standing = standingOf(found, request.owner);
  if (found === null || standing === 'returned') return false;
  if (isRoute) {
    // Weights that cannot be read, or that differ between rules, are written anew.
    if (askedOf(judgeLists(found['spec'], plan.backends), plan.backends) === null) return false;
    return standing === 'ours' ? !isRouteDrifted(plan, found) : adoption(found, plan.backends, 0) === null;
  }
  return standing === 'foreign' || !isDrifted(planned, planned.spec, found);
}

function isRouteDrifted(plan: RoutePlan, found: KubeObject): boolean {
  const even = (spec: unknown): unknown => withShare(spec, plan.backends, 0);
  return isDrifted(plan.route, even(plan.route.spec), found, even(found['spec']));
}

function problemOf(request: RouteRequest, plan: RoutePlan, objects: Objects): RouteFound['problem'] {
  for (const planned of plan.objects) {
    const found = objects.get(keyOf(planned.ref)) ?? null;
    if (found === null || standingOf(found, request.owner) !== 'foreign') continue;
    const subject = describeObject(planned.ref.kind.kind, request.owner.namespace, planned.ref.name);
    const controller = controllerOf(found);
    if (controller?.kind === 'Canary') {
      const owner = `Canary "${controller.name}" of ${controller.apiVersion}`;
      return {
        reason: OWNED_BY_ANOTHER,
        message: `Cannot steer ${subject}: ${owner} controls it, must be one Canary`,
      };
    }
    const lack =
      planned === plan.route ? judgeRoute(found, plan.backends, request) : (planned.judgeForeign?.(found) ?? null);
    if (lack !== null)
      return { reason: 'RouteNotOurs', message: `Cannot steer ${subject}, which is not ours: ${lack}` };
  }
  return null;
}

/** What keeps a route that is not ours from being steered; null when nothing does. */
function judgeRoute(found: KubeObject, dialect: BackendDialect, request: RouteRequest): string | null {
  const lists = judgeLists(found['spec'], dialect);
  for (const list of lists) {
    const flaw =
      list.kind === 'mixed' ? 'mixes the apex with other backends, must name it alone' : flawOf(list, dialect);
    if (flaw !== null) return `${describePath(list.path)} ${flaw}`;
  }
  if (lists.some(({ kind }) => kind === 'apex' || kind === 'pair')) return null;
  const { apex, primary, canary } = request.names;
  return `no rule sends traffic to "${apex}", must have one (or "${primary}" and "${canary}"), or be deleted so that it is made anew`;
}

function flawOf(list: BackendList, dialect: BackendDialect): string | null {
  return list.kind === 'apex' ? dialect.flawOf(list.backends[0]!) : null;
}

function describePath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${key}`), 'spec');
}

/** The annotations beside the planned ones: the fence wanted, or the one found. */
function fenceOf(
  work: Work,
  planned: Planned,
  found: KubeObject | null,
  want: RouteWant,
): Readonly<Record<string, string>> {
  if (planned !== work.plan.route) return {};
  const fence = want.fence ?? found?.metadata.annotations?.[work.request.fenceKey];
  return fence === undefined ? {} : { [work.request.fenceKey]: fence };
}

async function ensureOne(work: Work, planned: Planned, want: RouteWant): Promise<void> {
  const { plan, request, writer } = work;
  if (isSettled(request, plan, planned, work.objects)) return;
  const found = work.objects.get(keyOf(planned.ref)) ?? null;
  const spec = planned === plan.route ? withShare(planned.spec, plan.backends, want.weightPercent) : planned.spec;
  const annotations = fenceOf(work, planned, found, want);
  switch (standingOf(found, request.owner)) {
    case 'absent':
      return writer.create(planned, annotations);
    case 'ours':
      return writer.repair(planned, spec, found!, annotations);
    case 'returned':
      return writer.takeBack(planned, spec, found!, annotations);
    case 'foreign':
      return adopt(work, found!, want);
  }
}

/** Makes pairs of the lists that name the apex in a route that is not ours, and remembers what they were. */
async function adopt(work: Work, found: KubeObject, want: RouteWant): Promise<void> {
  const { plan, request, writer } = work;
  const adopted = adoption(found, plan.backends, want.weightPercent);
  const saved: Readonly<Record<string, string>> = adopted === null ? {} : { [ORIGINAL_KEY]: adopted.saved };
  const fence: Readonly<Record<string, string>> = want.fence === null ? {} : { [request.fenceKey]: want.fence };
  await writer.patch(plan.route.ref, found, [
    ...(adopted?.operations ?? []),
    ...weightOps(found, plan.backends, want.weightPercent),
    ...annotationOps(found, { ...saved, ...fence }),
  ]);
}

async function writeWeights(work: Work, want: RouteWant): Promise<void> {
  const { plan, request, writer } = work;
  const found = work.objects.get(keyOf(plan.route.ref)) ?? null;
  if (found === null) {
    const subject = describeObject(plan.route.ref.kind.kind, request.owner.namespace, plan.route.ref.name);
    throw new ConflictError(`Cannot write weights: ${subject} does not exist`);
  }
  // Nothing to find the weights in: the pair itself has to be written, at the wanted share.
  const hasPair = judgeLists(found['spec'], plan.backends).some(({ kind }) => kind === 'pair');
  if (!hasPair) return ensureOne(work, plan.route, want);
  const fence = want.fence === null ? [] : annotationOps(found, { [request.fenceKey]: want.fence });
  await writer.patch(plan.route.ref, found, [...weightOps(found, plan.backends, want.weightPercent), ...fence]);
}

async function releaseSupport(work: Work, planned: Planned): Promise<void> {
  const { request, writer } = work;
  const found = work.objects.get(keyOf(planned.ref)) ?? null;
  const standing = standingOf(found, request.owner);
  if (planned.isReleaseOnly === true) {
    return standing === 'absent' && isSteered(work) ? writer.create(planned, {}, false) : undefined;
  }
  if (standing !== 'ours' || planned.atRelease === 'collect') return undefined;
  return writer.patch(planned.ref, found!, [
    ...disownOps(found!, request.owner.uid),
    ...annotationOps(found!, { [RELEASED_KEY]: digestOf(found!['spec']) }),
  ]);
}

/** True when release will send traffic from our pair to the apex. */
function isSteered({ plan, request, objects }: Work): boolean {
  const route = objects.get(keyOf(plan.route.ref)) ?? null;
  if (route === null) return false;
  return (
    standingOf(route, request.owner) === 'ours' ||
    judgeLists(route['spec'], plan.backends).some(({ kind }) => kind === 'pair')
  );
}

async function releaseRoute(work: Work, shouldRevert: boolean): Promise<void> {
  const { plan, request, writer } = work;
  const found = work.objects.get(keyOf(plan.route.ref)) ?? null;
  if (found === null) return;
  if (standingOf(found, request.owner) !== 'ours') {
    const marks = { [request.fenceKey]: null, [ORIGINAL_KEY]: null };
    await writer.patch(plan.route.ref, found, [
      ...restoreOps(found, plan.backends, shouldRevert),
      ...annotationOps(found, marks),
    ]);
    return;
  }
  const spec = releasedSpec(plan, found);
  const changed: PatchOperation[] =
    spec === found['spec'] ? [] : [{ op: 'replace', path: '/spec', value: spec as Json }];
  await writer.patch(plan.route.ref, found, [
    ...changed,
    ...disownOps(found, request.owner.uid),
    ...annotationOps(found, { [request.fenceKey]: null, [RELEASED_KEY]: digestOf(spec) }),
  ]);
}

/** The spec of a route of ours with all traffic to the apex; made from the plan where the pair cannot be found. */
function releasedSpec(plan: RoutePlan, found: KubeObject): unknown {
  const lists = judgeLists(found['spec'], plan.backends);
  const isReadable = lists.some(({ kind }) => kind === 'pair' || kind === 'apex');
  const base = isReadable ? found['spec'] : { ...(found['spec'] as JsonObject | undefined), ...plan.route.spec };
  return withApex(base, plan.backends);
}
