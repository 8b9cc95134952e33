// The outbox: bounded, progress goes first, and how a run ended is dropped last.
import { describe, expect, it } from 'vitest';
import { boundOutbox, OUTBOX_MAX, withAnnouncements } from '../../../src/controller/outbox.ts';
import type { AnnouncementType, OutboxEntry } from '../../../src/core/announcements.ts';
import { ANNOUNCEMENT_TYPES } from '../../../src/core/announcements.ts';
import { decide } from '../../../src/core/decide.ts';
import { initialState } from '../../../src/core/state.ts';
import { isAnnouncementType } from '../../../src/notify/messages.ts';
import { anObservation, aWorkload, REV_A, REV_B, T0 } from '../../support/core-builders.ts';

function entries(types: readonly AnnouncementType[]): OutboxEntry[] {
  return types.map((type, index) => ({
    type,
    facts: {},
    seq: index + 1,
    atMs: T0,
    runId: '1-a',
    phase: 'Progressing',
    weightPercent: 0,
    failedChecks: 0,
    checksum: 'c',
    owner: 'a',
    acks: [],
  }));
}

const PORTS = { replica: 'me', checksum: () => 'sum' };

describe('boundOutbox()', () => {
  it('keeps everything while there is room', () => {
    const few = entries(['RevisionDetected', 'WeightAdvanced', 'Promoted']);
    expect(boundOutbox(few)).toEqual({ kept: few, dropped: 0 });
  });

  it('drops the oldest progress first', () => {
    const many = entries(['RevisionDetected', ...Array.from({ length: OUTBOX_MAX }, () => 'WeightAdvanced' as const)]);
    const { kept, dropped } = boundOutbox(many);
    expect(dropped).toBe(1);
    expect(kept).toHaveLength(OUTBOX_MAX);
    expect(kept.map(({ seq }) => seq)).not.toContain(2);
    expect(kept[0]?.type).toBe('RevisionDetected');
  });

  it('drops how runs ended only when nothing else is left', () => {
    const ends = entries([...Array.from({ length: OUTBOX_MAX }, () => 'RolledBack' as const), 'RevisionDetected']);
    const { kept } = boundOutbox(ends);
    expect(kept.every(({ type }) => type === 'RolledBack')).toBe(true);
    expect(boundOutbox([...kept, ...entries(['Promoted'])]).kept.at(-1)?.type).toBe('Promoted');
  });
});

describe('withAnnouncements()', () => {
  const state = {
    ...initialState(T0),
    phase: 'Initialized' as const,
    seenRevision: REV_A,
    promotedRevision: REV_A,
    isTakenOver: true,
    primaryReplicas: 2,
  };

  it('commits announcements with the transition, numbered and stamped', () => {
    const seen = anObservation({
      target: aWorkload({ revision: REV_B, replicas: 0, readyReplicas: 0, isReady: false }),
    });
    const told = withAnnouncements(state, decide(state, seen), seen, PORTS);
    expect(told.next.outbox).toMatchObject([
      { type: 'RevisionDetected', seq: 1, owner: 'me', checksum: 'sum', acks: [] },
    ]);
    expect(told.next.nextSeq).toBe(2);
  });

  it('says nothing when nothing happened', () => {
    const seen = anObservation();
    const told = withAnnouncements(
      { ...state, targetFacts: seen.targetFacts },
      decide({ ...state, targetFacts: seen.targetFacts }, seen),
      seen,
      PORTS,
    );
    expect(told).toMatchObject({ isChanged: false, next: { outbox: [] } });
  });
});

describe('ANNOUNCEMENT_TYPES', () => {
  it.each(ANNOUNCEMENT_TYPES)('%s has a sentence', (type) => {
    expect(isAnnouncementType(type)).toBe(true);
  });
});
