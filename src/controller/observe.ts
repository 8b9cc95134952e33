// The station that looks: reads everything one decision needs, in parallel where it can, and judges nothing.
import type { Canary } from '../api/types.ts';
import { decide } from '../core/decide.ts';
import type { Observation, RouteSeen } from '../core/observation.ts';
import { isRunning } from '../core/phase.ts';
import { rebased, rebuildState } from '../core/rebuild.ts';
import { isTickDue } from '../core/signals.ts';
import { initialState, type State } from '../core/state.ts';
import { isQuiet } from '../core/world.ts';
import { InvalidSpecError, messageOf, SerinError, UnsupportedError } from '../errors.ts';
import type { CallOptions, KubeObject, ObjectRef } from '../kube/contract.ts';
import { NAMESPACE, refOf } from '../kube/kinds.ts';
import type { RouteFound, RouteRequest } from '../mesh/contract.ts';
import type { WorkloadDriver, WorkloadFound } from '../workload/contract.ts';
import { admit, type Admission } from './admit.ts';
import type { Drivers } from './drivers.ts';
import { FINALIZER } from './finalize.ts';
import type { Found, Look } from './found.ts';
import type { Finding } from './conditions.ts';
import type { Memory } from './memory.ts';
import { protocolOf } from './protocol.ts';
import { refusedReference, watchedReferences } from './references.ts';
import { requestSeen } from './request.ts';
import { observedLive } from './scraping.ts';
import { readState, type StoredState } from './status.ts';
import { askTick } from './tick.ts';

/** Looks at one Canary. Throws what the API server throws; a metric or a gate that fails is data. */
export async function observe(
  ref: ObjectRef,
  key: string,
  use: Drivers,
  memory: Memory,
  signal: AbortSignal,
): Promise<Look> {
  const object = await use.kube.cache.read(ref, { signal });
  if (object === null) return { kind: 'gone' };
  const stored = storedIn(object);
  if (stored.kind === 'invalid') return refuse(object, 'StatusInvalid', stored.message, 'StatusInvalid');
  const admission = await admit(object, stored.kind === 'state' ? stored.state : null, use, signal);
  if (admission.kind === 'refused') {
    const refusal = refuse(object, admission.reason, admission.message);
    return { ...refusal, isReleasable: await isReleasable(object, stored, use, { signal }) };
  }
  try {
    return await observeAdmitted({ ref, key, object, use, memory, signal, admission }, stored);
  } catch (error) {
    if (error instanceof InvalidSpecError || error instanceof UnsupportedError) {
      const refusal = refuse(object, error.code, error.message);
      return { ...refusal, isReleasable: await isReleasable(object, stored, use, { signal }) };
    }
    throw error;
  }
}

/** A Canary that goes although it cannot be worked: nothing was built for it, or everything goes with its namespace. */
async function isReleasable(
  object: KubeObject,
  stored: StoredState,
  use: Drivers,
  options: CallOptions,
): Promise<boolean> {
  if (!isDeleting(object)) return false;
  const wasBuilt = stored.kind === 'state' ? stored.state.isTakenOver : readState(object).kind === 'invalid';
  return !wasBuilt || isNamespaceGoing(object.metadata.namespace ?? '', use, options);
}

/** A Canary that goes is released from what the cluster shows, when its own record cannot be read. */
function storedIn(object: KubeObject): StoredState {
  const stored = readState(object);
  return stored.kind === 'invalid' && isDeleting(object) ? { kind: 'none', phase: null, trackedConfigs: {} } : stored;
}

interface Looking {
  readonly ref: ObjectRef;
  readonly key: string;
  readonly object: KubeObject;
  readonly use: Drivers;
  readonly memory: Memory;
  readonly signal: AbortSignal;
  readonly admission: Extract<Admission, { kind: 'admitted' }>;
}

async function observeAdmitted(looking: Looking, stored: Exclude<StoredState, { kind: 'invalid' }>): Promise<Look> {
  const { object, use, memory, key, admission } = looking;
  const { canary } = admission;
  const nowMs = use.clock.nowMs();
  const remembered = stored.kind === 'state' ? stored.state : initialState(nowMs);
  const state = memory.announcer.withAcks(canary.identity.uid, remembered);
  const world = await readWorld(looking, canary, state);
  const refusal =
    isRunning(state.phase) || isDeleting(object)
      ? null
      : (refusalOf(world) ?? (await refusedReference(canary, use, optionsOf(looking, state))));
  if (refusal !== null) return refuse(object, refusal.reason, refusal.message);
  // A run goes on with what the world lacks, but not with a spec that nobody honours.
  const invalid = admission.invalid ?? (isRunning(state.phase) ? flawOf(world) : null);
  const judged = { ...looking, admission: { ...admission, invalid } };
  const first = await seenOf(judged, state, withLive(world, state), nowMs);
  const known = stored.kind === 'state' ? (rebased(state, first) ?? state) : rebuildState(first, stored);
  const quietSinceMs = memory.quiet.since(key, known, isQuiet(known, first), versionOf(world.route), nowMs);
  const route = isEmptying(known) ? observedLive(key, canary, first.route, quietSinceMs, use) : first.route;
  const seen = { ...first, route, quietSinceMs };
  const findings = findingsOf(world.route, known, memory, key, nowMs);
  const found = { ref: looking.ref, object, state: known, canary, findings, ...world };
  if (!isTickDue(known, seen) || isDecidedWithout(known, seen)) return { kind: 'found', found: { ...found, seen } };
  const tick = await askTick({
    key,
    canary,
    mesh: world.mesh,
    state: known,
    seen,
    use,
    memory,
    signal: looking.signal,
  });
  return { kind: 'found', found: { ...found, seen: { ...seen, nowMs: use.clock.nowMs(), tick } } };
}

/** What the route's objects say, without their metadata and status: their generations, where they are counted. */
function versionOf({ objects }: RouteFound): string {
  const versions = [...objects].map(([name, object]) => {
    const { generation, resourceVersion = '' } = object?.metadata ?? {};
    return `${name} ${generation ?? resourceVersion}`;
  });
  return versions.join();
}

/** An abort, a deletion, a crash or a passed deadline never waits for the answers of a tick. */
function isDecidedWithout(state: State, seen: Observation): boolean {
  return seen.request !== null || decide(state, seen).next.phase !== state.phase;
}

/** The canary is to be without traffic for good: before, a load test may call it by its own name. */
const isEmptying = ({ phase, isDrainPending }: State): boolean =>
  isDrainPending || phase === 'RollingBack' || phase === 'Returning' || phase === 'Finalising';

/** The route with what the data plane shows, asked while somebody waits for it: at rest nobody does. */
function withLive(world: World, state: State): World {
  const { route, routeRequest, mesh } = world;
  if (routeRequest === null || mesh.driver.live === undefined) return world;
  const isResting = !isRunning(state.phase) && state.phase !== 'Initializing' && state.phase !== 'Terminating';
  const live = mesh.driver.live(routeRequest, route, !isResting || state.isDrainPending);
  return { ...world, route: { ...route, seen: { ...route.seen, ...live } } };
}

const isDeleting = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined;

/** The workloads and the route, and the objects by which they are watched from now on. */
type World = Pick<Found, 'mesh' | 'workload' | 'workloadFound' | 'route' | 'routeRequest'>;

async function readWorld(looking: Looking, canary: Canary, state: State): Promise<World> {
  const { use, memory, key } = looking;
  const options = optionsOf(looking, state);
  const mesh = use.meshFor(canary);
  const workload = use.workloadFor(canary);
  await memory.watches.ensure(
    key,
    canary,
    mesh,
    workload,
    isRunning(state.phase) || state.phase === 'Initializing' || state.isDrainPending,
    use,
  );
  const workloadFound = await workload.read(canary, workloadContext(canary, state, use, memory, key), options);
  const routeRequest = requestOf(canary, workloadFound, mesh.provider.name);
  const route = routeRequest === null ? NO_ROUTE : await mesh.driver.read(routeRequest, options);
  const routeRefs = routeRequest === null ? [] : await mesh.driver.refs(routeRequest);
  memory.watches.index(key, [...workload.refs(canary, workloadFound), ...routeRefs, ...watchedReferences(canary)]);
  return { mesh, workload, workloadFound, route, routeRequest };
}

function optionsOf(looking: Looking, state: State): CallOptions {
  return { lane: state.phase === 'RollingBack' ? 'rollback' : 'progress', signal: looking.signal };
}

/** Why a Canary at rest cannot be worked in this world; one with a run under way is worked as well as it can. */
function refusalOf(world: World): { readonly reason: string; readonly message: string } | null {
  return world.workloadFound.problem ?? flawOf(world) ?? world.route.problem;
}

/** What of spec.service the mesh provider cannot do. */
function flawOf({ mesh, routeRequest }: World): { readonly reason: string; readonly message: string } | null {
  const flaw = routeRequest === null ? undefined : mesh.driver.validate(routeRequest)[0];
  return flaw === undefined ? null : { reason: 'InvalidSpec', message: `${flaw.path}: ${flaw.message}` };
}

async function seenOf(looking: Looking, state: State, world: World, nowMs: number): Promise<Observation> {
  const { object, use, memory, admission } = looking;
  const { workload, workloadFound } = world;
  const { canary } = admission;
  const options = optionsOf(looking, state);
  const pinned =
    isRunning(state.phase) && state.run !== null
      ? state.run.revision
      : (state.seenRevision ?? workloadFound.target?.revision ?? null);
  // At rest all three are one revision, and each answer may cost requests.
  const asked = new Map<string, Promise<boolean>>();
  const isPinned = (revision: string | null): Promise<boolean> | false => {
    if (revision === null) return false;
    const answer = asked.get(revision) ?? workload.isPinned(canary, revision, options);
    asked.set(revision, answer);
    return answer;
  };
  const [isTargetPinned, isRunPinned, isPromotedPinned, isNamespaceTerminating] = await Promise.all([
    isPinned(workloadFound.target?.revision ?? null),
    isPinned(pinned),
    isPinned(state.promotedRevision),
    isDeleting(object) ? isNamespaceGoing(canary.identity.namespace, use, options) : false,
  ]);
  return {
    nowMs,
    policy: canary.policy,
    invalid: admission.invalid,
    isDeleting: isDeleting(object),
    isNamespaceTerminating,
    hasFinalizer: (object.metadata.finalizers ?? []).includes(FINALIZER),
    request: requestSeen(object, state, nowMs),
    target: workloadFound.target,
    primary: workloadFound.primary,
    targetFacts: workloadFound.targetFacts,
    trackedConfigs: workloadFound.configs.digests,
    isTargetPinned,
    isRunPinned,
    isPromotedPinned,
    quietSinceMs: null,
    hasActedLate: memory.lateActs.delete(looking.key),
    services: workloadFound.services,
    route: world.route.seen,
    scaler: workloadFound.scaler,
    capacity: workloadFound.capacity,
    contested: memory.flips.contested(looking.key, nowMs),
    tick: null,
  };
}

const NO_ROUTE: RouteFound = {
  seen: {
    state: 'absent',
    askedPercent: null,
    livePercent: 'unknown',
    fence: null,
    isFenceable: true,
  } satisfies RouteSeen,
  objects: new Map(),
  problem: null,
};

function refuse(
  object: KubeObject,
  reason: string,
  message: string,
  type = 'Ready',
): Extract<Look, { kind: 'refused' }> {
  const word = /^[A-Z][A-Za-z]+$/.test(reason) ? reason : 'InvalidSpec';
  return {
    kind: 'refused',
    object,
    finding: { type, status: type === 'Ready' ? 'False' : 'True', reason: word, message },
    isReleasable: false,
  };
}

function workloadContext(
  canary: Canary,
  state: State,
  use: Drivers,
  memory: Memory,
  key: string,
): Parameters<WorkloadDriver['read']>[1] {
  const isActive = isRunning(state.phase);
  return {
    runRevision: isActive ? (state.run?.revision ?? null) : state.seenRevision,
    promotedRevision: state.promotedRevision,
    isActive: isActive || state.phase === 'Initializing',
    shouldReadSecrets:
      canary.secretTracking === 'poll' &&
      memory.secrets.isReadDue(key, [canary.identity.generation, state.targetFacts?.generation ?? 0], state, use),
    knownDigests: state.trackedConfigs,
    primaryFloor: isActive ? (state.run?.primaryFloor ?? null) : null,
    fenceKey: fenceKeyOf(canary),
  };
}

/** The annotation that carries our fence. */
function fenceKeyOf(canary: Canary): string {
  return `fence.serin.dev/${canary.identity.uid}`;
}

function requestOf(canary: Canary, found: WorkloadFound, provider: string): RouteRequest | null {
  if (found.route === null) return null;
  const apex = canary.service.apexName;
  return {
    owner: canary.identity,
    service: canary.service,
    names: { apex, primary: `${apex}-primary`, canary: `${apex}-canary` },
    ...found.route,
    protocol: protocolOf(canary, provider),
    fenceKey: fenceKeyOf(canary),
  };
}

async function isNamespaceGoing(namespace: string, use: Drivers, options: CallOptions): Promise<boolean> {
  try {
    const object = await use.kube.client.get(refOf(NAMESPACE, null, namespace), options);
    return object === null || object.metadata.deletionTimestamp !== undefined;
  } catch (error) {
    // Without the right to read namespaces a release goes on as usual; the server refuses what it must.
    if (error instanceof SerinError && error.disposition === 'backoff') return messageOf(error).includes('not found');
    throw error;
  }
}

function findingsOf(route: RouteFound, state: State, memory: Memory, key: string, nowMs: number): readonly Finding[] {
  const findings: Finding[] = [];
  const failed = memory.failures.get(key);
  if (failed !== undefined)
    findings.push({ type: 'RouteWritten', status: 'False', reason: failed.reason, message: failed.message });
  if (route.problem !== null && isRunning(state.phase))
    findings.push({ type: 'RouteReadable', status: 'False', ...route.problem });
  const contested = memory.flips.describe(key, nowMs);
  if (contested !== null)
    findings.push({ type: 'Conflict', status: 'True', reason: 'FieldContested', message: contested });
  return findings;
}
