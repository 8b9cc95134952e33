// The verdict on one release: judges a Canary and its target as they are now, and never takes an older run for the one that is asked about.
import { readState } from '../controller/status.ts';
import { isResting, isRunning } from '../core/phase.ts';
import { reasonOf } from '../core/reasons.ts';
import type { RunSummary, State } from '../core/state.ts';
import type { KubeObject } from '../kube/contract.ts';
import { textOf, textsOf } from '../workload/fields.ts';
import { REVISION_ALGORITHM } from '../workload/revision.ts';
import { factsOfTarget, isRunWanted, isTargetWanted } from './match.ts';
import type { RunFacts, TargetFacts, Wanted } from './match.ts';

/** How a step ends that found its release. */
export type Outcome =
  | 'promoted'
  | 'initialized'
  | 'alreadyPromoted'
  | 'rolledBack'
  | 'aborted'
  | 'superseded'
  | 'error';

/** What a step remembers between looks. */
export interface Memory {
  /** Revisions of the target in looks in which it was the release that is wanted. */
  readonly revisions: readonly string[];
  /** Ids of the runs that had ended when the step began. */
  readonly oldRuns: readonly string[];
}

/** A run as a verdict shows it. */
export interface JudgedRun extends RunFacts {
  readonly id: string;
}

/**
 * - waiting: the target does not have the release yet, or the controller has not begun with it.
 * - arrived: the controller works on it.
 * - verdict: how it ended.
 * `revision` is the target's where the target is the release that is wanted, to be remembered.
 */
export type Judgement =
  | {
      readonly kind: 'waiting';
      readonly where: 'target' | 'controller';
      readonly revision: string | null;
      readonly message: string;
    }
  | {
      readonly kind: 'arrived';
      readonly revision: string | null;
      readonly run: JudgedRun | null;
      readonly message: string;
    }
  | {
      readonly kind: 'verdict';
      readonly outcome: Outcome;
      readonly revision: string | null;
      readonly run: JudgedRun | null;
      /** One word, stable. */
      readonly reason: string;
      readonly message: string;
    };

/** What a step knows before its first look: the runs that are over cannot be its own, unless the target still has their revision. */
export function firstMemory(canary: KubeObject): Memory {
  const stored = readState(canary);
  return { revisions: [], oldRuns: stored.kind === 'state' ? stored.state.history.map((run) => run.id) : [] };
}

/** The memory after a look. */
export function remember(memory: Memory, judged: Judgement): Memory {
  const { revision } = judged;
  if (revision === null || memory.revisions.includes(revision)) return memory;
  return { ...memory, revisions: [...memory.revisions, revision] };
}

/** Judges. `target` is the Deployment as it is now, null when it does not exist. */
export function judgeRevision(
  canary: KubeObject,
  target: KubeObject | null,
  wanted: Wanted,
  memory: Memory,
): Judgement {
  const facts = target === null ? null : factsOfTarget(target, textsOf(canary, 'status', 'trackedConfigs'));
  const isThere = facts !== null && isTargetWanted(wanted, facts);
  const revision = isThere ? facts.revision : null;
  const stored = readState(canary);
  const said = textOf(canary, 'status', 'message');
  if (stored.kind === 'invalid') return verdict('error', revision, null, 'StatusInvalid', stored.message);
  if (stored.kind === 'none')
    return isThere ? unbegun(facts.revision, said || 'serin has not looked at this Canary yet') : absent(facts);
  if (isOtherAlgorithm(stored.state)) {
    const message = `The controller's revisions (${stored.state.seenRevision ?? ''}) are made in another way than ${REVISION_ALGORITHM}; use the serin of the controller's version`;
    return verdict('error', revision, null, 'OtherVersion', message);
  }
  return isThere
    ? judgeThere(stored.state, facts.revision, said, memory)
    : judgeGone(stored.state, facts, wanted, said, memory);
}

function isOtherAlgorithm({ seenRevision }: State): boolean {
  return seenRevision !== null && seenRevision.split('-')[0] !== REVISION_ALGORITHM;
}

/** The target is the release that is wanted: only what the controller did about exactly its revision counts. */
function judgeThere(state: State, revision: string, said: string, memory: Memory): Judgement {
  if (state.phase === 'Terminating') return verdict('aborted', revision, null, 'Deleted', said);
  if (isRunning(state.phase) && state.run !== null) {
    const isOurs = state.run.revision === revision;
    // The primary runs it already, and the run of another revision is being taken back.
    const isComingBack = state.promotedRevision === revision && state.seenRevision === revision;
    if (isOurs) return { kind: 'arrived', revision, run: runOf(state.run), message: said };
    return isComingBack ? { kind: 'arrived', revision, run: null, message: said } : unbegun(revision, said);
  }
  // A primary that never became ready on what it was given is not serving this revision, whatever its annotation says.
  const isServing = isResting(state.phase) && state.failure !== 'primaryBroken';
  if (isServing && state.promotedRevision === revision) return promoted(state, revision, said, memory);
  if (state.seenRevision !== revision) return unbegun(revision, said);
  if (!isResting(state.phase)) return { kind: 'arrived', revision, run: null, message: said };
  return failed(state, revision, said);
}

function promoted(state: State, revision: string, said: string, memory: Memory): Judgement {
  const run = newestOf(state, (past) => past.revision === revision && isSuccess(past));
  if (run === undefined && state.phase === 'Initialized')
    return verdict('initialized', revision, null, 'Initialized', said);
  const isNew = run !== undefined && !memory.oldRuns.includes(run.id);
  const reason = run === undefined ? 'Promoted' : reasonOfRun(run);
  return verdict(isNew ? 'promoted' : 'alreadyPromoted', revision, run ?? null, reason, run?.message || said);
}

/** The controller has seen it, rests, and the primary does not run it. */
function failed(state: State, revision: string, said: string): Judgement {
  const run = newestOf(state, (past) => past.revision === revision);
  if (run !== undefined) {
    // It was promoted or replaced once, and is there again: a new run is about to begin.
    if (isSuccess(run) || run.outcome === 'superseded') return unbegun(revision, said);
    return verdictOf(run, revision);
  }
  if (state.phase !== 'Failed') return unbegun(revision, said);
  const isAborted = state.because.signal === 'abortAsked';
  const isUnborn = state.failure === 'neverInitialized' && !isAborted;
  const reason = isUnborn ? 'InitializationFailed' : reasonOf(state.because.signal);
  return verdict(isAborted ? 'aborted' : 'rolledBack', revision, null, reason, state.because.message || said);
}

/** The target is not the release that is wanted: not yet, or not any more. */
function judgeGone(state: State, target: TargetFacts | null, wanted: Wanted, said: string, memory: Memory): Judgement {
  const isOurs = (run: RunFacts): boolean => memory.revisions.includes(run.revision) || isRunWanted(wanted, run);
  if (isRunning(state.phase) && state.run !== null && isOurs(state.run))
    return { kind: 'arrived', revision: null, run: runOf(state.run), message: said };
  const run = newestOf(
    state,
    (past) =>
      isOurs(past) &&
      (!memory.oldRuns.includes(past.id) || (isSuccess(past) && past.revision === state.promotedRevision)),
  );
  if (run !== undefined) {
    const judged = verdictOf(run, null);
    const isOld = memory.oldRuns.includes(run.id);
    return judged.kind === 'verdict' && judged.outcome === 'promoted' && isOld
      ? { ...judged, outcome: 'alreadyPromoted' }
      : judged;
  }
  const isPassed = memory.revisions.length > 0 && target !== null && state.seenRevision === target.revision;
  if (isPassed)
    return verdict('superseded', null, null, 'Superseded', 'Another revision took its place before its analysis began');
  return absent(target);
}

function newestOf(state: State, isMeant: (run: RunSummary) => boolean): RunSummary | undefined {
  return state.history
    .filter(isMeant)
    .sort((a, b) => a.endedAtMs - b.endedAtMs)
    .at(-1);
}

const isSuccess = (run: RunSummary): boolean => run.outcome === 'promoted' || run.outcome === 'skipped';

function verdictOf(run: RunSummary, revision: string | null): Judgement {
  return verdict(outcomeOf(run), revision, run, reasonOfRun(run), run.message);
}

function reasonOfRun(run: RunSummary): string {
  if (run.outcome === 'skipped') return 'Skipped';
  return run.outcome === 'promoted' ? 'Promoted' : reasonOf(run.reason);
}

/** A run's outcome in the words of a step: a rollback that a gate asked for is somebody's decision, a return is another revision's turn. */
function outcomeOf(run: RunSummary): Outcome {
  switch (run.outcome) {
    case 'promoted':
    case 'skipped':
      return 'promoted';
    case 'rolledBack':
      return run.reason === 'rollbackAsked' ? 'aborted' : 'rolledBack';
    case 'promotionFailed':
      return 'rolledBack';
    case 'aborted':
      return 'aborted';
    case 'superseded':
    case 'returned':
      return 'superseded';
  }
}

function verdict(
  outcome: Outcome,
  revision: string | null,
  run: RunSummary | null,
  reason: string,
  message: string,
): Judgement {
  return { kind: 'verdict', outcome, revision, run: run === null ? null : runOf(run), reason, message };
}

function runOf({ id, revision, version, images }: JudgedRun): JudgedRun {
  return { id, revision, version, images };
}

function unbegun(revision: string, message: string): Judgement {
  return { kind: 'waiting', where: 'controller', revision, message };
}

function absent(target: TargetFacts | null): Judgement {
  const message =
    target === null
      ? 'the target does not exist'
      : `the target has ${target.version === '' ? '' : `version ${target.version}, `}${target.images.join(', ')}`;
  return { kind: 'waiting', where: 'target', revision: null, message };
}
