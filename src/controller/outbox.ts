// The outbox: a bounded list of announcements, committed with the transition that they speak of.
import type { AnnouncementType, OutboxEntry } from '../core/announcements.ts';
import type { Decision } from '../core/decide.ts';
import type { Observation } from '../core/observation.ts';
import { reportedPhase } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import { tell } from './telling.ts';

/** Who writes entries: `replica` has them in hand, `checksum` stamps them. */
export interface OutboxPorts {
  readonly replica: string;
  checksum(trackedConfigs: Readonly<Record<string, string>>, lastAppliedSpec: string): string;
}

/** The decision with its announcements in the outbox: everything that an announcement is made from is in its entry. */
export function withAnnouncements(before: State, decision: Decision, seen: Observation, ports: OutboxPorts): Decision {
  const { next } = decision;
  const said = tell(before, next, decision.because, seen);
  if (said.length === 0) return decision;
  const entries = said.map((announced, index): OutboxEntry => ({
    ...announced,
    seq: next.nextSeq + index,
    atMs: seen.nowMs,
    runId: next.run?.id ?? '0',
    phase: reportedPhase(next.phase),
    weightPercent: next.weightPercent,
    failedChecks: next.run?.failedChecks ?? 0,
    checksum: ports.checksum(next.trackedConfigs, next.seenRevision ?? ''),
    owner: ports.replica,
    acks: [],
  }));
  const { kept, dropped } = boundOutbox([...next.outbox, ...entries]);
  const told = {
    ...next,
    outbox: kept,
    nextSeq: next.nextSeq + said.length,
    notificationsLost: next.notificationsLost + dropped,
  };
  return { ...decision, isChanged: true, next: told };
}

/** Entries kept at most; beyond it progress coalesces, terminal entries are dropped last. */
export const OUTBOX_MAX = 16;

const PROGRESS: readonly AnnouncementType[] = [
  'HookPassed',
  'WeightAdvanced',
  'IterationAdvanced',
  'PrimaryWeightAdvanced',
  'GatePassed',
  'MetricFailed',
  'NoData',
  'MetricSourceError',
];
const TERMINAL: readonly AnnouncementType[] = [
  'Promoted',
  'PromotedSkipped',
  'PromotionFailed',
  'RolledBack',
  'ReturnedToPrimary',
];

/** Puts entries into a bounded outbox. Returns what is kept and how many were dropped: oldest progress first, terminal last. */
export function boundOutbox(entries: readonly OutboxEntry[]): {
  readonly kept: readonly OutboxEntry[];
  readonly dropped: number;
} {
  let kept = entries;
  while (kept.length > OUTBOX_MAX) {
    const progress = kept.findIndex((entry) => PROGRESS.includes(entry.type));
    const passing = kept.findIndex((entry) => !TERMINAL.includes(entry.type));
    kept = kept.toSpliced(progress >= 0 ? progress : Math.max(passing, 0), 1);
  }
  return { kept, dropped: entries.length - kept.length };
}
