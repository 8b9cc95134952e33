// The shape of a stored state, checked by hand: a status is input like any other, and may have been edited.
import { PHASES } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import { isObject } from '../util/json.ts';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value.length <= 4_096;
const isFlag: Check = (value) => typeof value === 'boolean';
const isCount: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isTime: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0 && value < 8.64e15;
const isPercent: Check = (value) => isCount(value) && (value as number) <= 100;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const isList =
  (check: Check, max: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= max && value.every(check);
const isMap: Check = (value) => isObject(value) && Object.values(value).every(isText);
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value);

function isShaped(shape: Readonly<Record<string, Check>>): Check {
  return (value) => isObject(value) && Object.entries(shape).every(([member, check]) => check(value[member] ?? null));
}

const isEnding = isShaped({ outcome: isText, reason: isText, message: isText });
const isJudged = isShaped({ name: isText, verdict: oneOf('Pass', 'Fail', 'Insufficient', 'Error'), detail: isText });
const isEntry = isShaped({
  seq: isCount,
  atMs: isTime,
  type: isText,
  runId: isText,
  owner: isText,
  checksum: isText,
  failedChecks: isCount,
  acks: isList(isText, 64),
  facts: isObject,
});
const isFacts = isShaped({ generation: isCount, version: isText, images: isList(isText, 64) });

const RUN: Readonly<Record<string, Check>> = {
  id: isText,
  number: isCount,
  revision: isText,
  base: orNull(isText),
  startedAtMs: isTime,
  wasPinned: isFlag,
  step: isCount,
  stepsKey: isText,
  passes: isCount,
  tick: isCount,
  nextCheckAtMs: isTime,
  failedChecks: isCount,
  insufficientInRow: isCount,
  errorsInRow: isCount,
  checks: isList(isJudged, 64),
  primaryFloor: isCount,
  version: isText,
  images: isList(isText, 64),
  closedGate: orNull(isText),
  ending: orNull(isEnding),
};

const STATE: Readonly<Record<string, Check>> = {
  schema: (value) => value === 1,
  phase: oneOf(...PHASES),
  sinceMs: isTime,
  deadlineMs: orNull(isTime),
  record: isCount,
  run: orNull(isShaped(RUN)),
  runsBegun: isCount,
  seenRevision: orNull(isText),
  promotedRevision: orNull(isText),
  weightPercent: isPercent,
  primaryReplicas: isCount,
  isTakenOver: isFlag,
  isPaused: isFlag,
  failure: orNull(oneOf('rolledBack', 'primaryBroken', 'neverInitialized')),
  isDrainPending: isFlag,
  keepsPrimary: isFlag,
  fence: orNull(isText),
  trackedConfigs: isMap,
  because: isShaped({ signal: isText, message: isText, atMs: isTime }),
  lastRequest: orNull(isShaped({ id: isText, verb: isText, outcome: isText, atMs: isTime })),
  outbox: isList(isEntry, 64),
  nextSeq: isCount,
  notificationsLost: isCount,
  handles: isMap,
  history: isList(
    isShaped({ id: isText, revision: isText, outcome: isText, startedAtMs: isTime, endedAtMs: isTime }),
    64,
  ),
  targetFacts: orNull(isFacts),
};

/** Checks a stored state member by member and names the first that is wrong. */
export function parseState(
  value: unknown,
): { readonly success: true; readonly state: State } | { readonly success: false; readonly message: string } {
  if (!isObject(value)) return { success: false, message: 'it is not an object' };
  for (const [member, check] of Object.entries(STATE)) {
    if (!check(value[member] ?? null))
      return { success: false, message: `${member} is ${JSON.stringify(value[member])?.slice(0, 80) ?? 'missing'}` };
  }
  const members = Object.keys(STATE).filter((member) => member !== 'schema');
  return {
    success: true,
    state: Object.fromEntries(members.map((member) => [member, value[member] ?? null])) as unknown as State,
  };
}
