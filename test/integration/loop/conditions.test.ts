// What Ready and Promoted mean in each phase, the sentence for people, generations, and the columns that kubectl prints.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PHASES, type Phase } from '../../../src/core/phase.ts';
import { initializedShop, shopCanary } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { reach } from './phases.ts';

interface Row {
  readonly phase: Phase;
  readonly reported: string;
  /** status and reason. */
  readonly ready: string;
  readonly promoted: string;
  readonly promotedMessage: string;
  /** What the sentence says. */
  readonly message: RegExp;
}

const PROGRESSING = 'New revision detected, progressing canary analysis.';
const FAILED = 'Canary analysis failed, Deployment scaled to zero.';

/** The table of docs/status.md. */
const TABLE: readonly Row[] = [
  {
    phase: 'Initializing',
    reported: 'Initializing',
    ready: 'False Initializing',
    promoted: 'Unknown Initializing',
    promotedMessage: 'New Deployment detected, starting initialization.',
    message: /^Initializing: waits until .* because the primary .*; after that it fails/,
  },
  {
    phase: 'Initialized',
    reported: 'Initialized',
    ready: 'True Initialized',
    promoted: 'True Initialized',
    promotedMessage: 'Deployment initialization completed.',
    message: /^Waits for a new revision$/,
  },
  {
    phase: 'Waiting',
    reported: 'Waiting',
    ready: 'True Progressing',
    promoted: 'Unknown Waiting',
    promotedMessage: 'Waiting for approval.',
    message: /^Waits for gate confirm-rollout until .*; after that the revision is given up$/,
  },
  {
    phase: 'Progressing',
    reported: 'Progressing',
    ready: 'True Progressing',
    promoted: 'Unknown Progressing',
    promotedMessage: PROGRESSING,
    message: /^Judging at 20 % of at most 60 %, 0 of 3 failed checks spent, next check /,
  },
  {
    phase: 'WaitingPromotion',
    reported: 'WaitingPromotion',
    ready: 'True Progressing',
    promoted: 'Unknown WaitingPromotion',
    promotedMessage: 'Waiting for approval.',
    message: /gate confirm-promotion is closed/,
  },
  {
    phase: 'Promoting',
    reported: 'Promoting',
    ready: 'True Progressing',
    promoted: 'Unknown Promoting',
    promotedMessage: 'Canary analysis completed, starting primary rolling update.',
    message: /^Promoting: waits until .*; after that the canary keeps all traffic$/,
  },
  {
    phase: 'Finalising',
    reported: 'Finalising',
    ready: 'True Progressing',
    promoted: 'Unknown Finalising',
    promotedMessage: 'Canary analysis completed, routing all traffic to primary.',
    message: /^Finalising: waits until .* because the canary drains$/,
  },
  {
    phase: 'Succeeded',
    reported: 'Succeeded',
    ready: 'True Succeeded',
    promoted: 'True Succeeded',
    promotedMessage: 'Canary analysis completed successfully, promotion finished.',
    message: /^Waits for a new revision$/,
  },
  {
    phase: 'RollingBack',
    reported: 'Progressing',
    ready: 'True Progressing',
    promoted: 'Unknown Progressing',
    promotedMessage: PROGRESSING,
    message: /^Rolling back \(3 of 3 checks failed, last: request-success-rate 50 < 99\)/,
  },
  {
    phase: 'Returning',
    reported: 'Progressing',
    ready: 'True Progressing',
    promoted: 'Unknown Progressing',
    promotedMessage: PROGRESSING,
    message: /^Returning to the primary's revision/,
  },
  {
    phase: 'KeepingCanary',
    reported: 'Promoting',
    ready: 'True Progressing',
    promoted: 'Unknown Promoting',
    promotedMessage: 'Canary analysis completed, starting primary rolling update.',
    message: /all traffic goes to the canary/,
  },
  {
    phase: 'Failed',
    reported: 'Failed',
    ready: 'False FailedChecks',
    promoted: 'False Failed',
    promotedMessage: FAILED,
    message: /^Failed: 3 of 3 checks failed, last: request-success-rate 50 < 99; waits for a new revision$/,
  },
  {
    phase: 'Terminating',
    reported: 'Terminating',
    ready: 'False Terminating',
    promoted: 'Unknown Terminating',
    promotedMessage: 'New Deployment detected, starting initialization.',
    message: /^Terminating: hands traffic back to the target until .*; after that the primary is left in place$/,
  },
];

describe('the table', () => {
  it.each(TABLE)(
    '$phase: reported as $reported, Ready $ready, Promoted $promoted',
    async ({ phase, reported, ready, promoted, promotedMessage, message }) => {
      const world = await reach(phase);
      expect(world.inner()).toBe(phase);
      expect(world.phase()).toBe(reported);
      const [isReady, isPromoted] = [world.condition('Ready'), world.condition('Promoted')];
      expect(`${isReady?.status} ${isReady?.reason}`).toBe(ready);
      expect(`${isPromoted?.status} ${isPromoted?.reason}`).toBe(promoted);
      expect(isPromoted?.message).toBe(promotedMessage);
      expect(world.status().message).toMatch(message);
      expect(isReady?.message).toBe(world.status().message);
      expect(world.status().conditions?.map(({ type }) => type)).toEqual(['Promoted', 'Ready']);
      world.close();
    },
  );

  it.each(TABLE)('$phase: status and conditions speak of the generation that was looked at', async ({ phase }) => {
    const world = await reach(phase);
    const { generation } = world.canary()!.metadata;
    expect(world.status().observedGeneration).toBe(generation);
    for (const { observedGeneration } of world.status().conditions ?? []) expect(observedGeneration).toBe(generation);
    world.close();
  });
});

describe('docs/status.md', () => {
  it('says the same of every phase', () => {
    const text = readFileSync(new URL('../../../docs/status.md', import.meta.url), 'utf8');
    const rows = text.split('\n').filter((line) => PHASES.some((phase) => line.startsWith(`| \`${phase}\` |`)));
    const told = rows.map((line) =>
      line
        .split('|')
        .slice(1, 6)
        .map((cell) => cell.replaceAll(/[`,]/g, '').trim()),
    );
    const expected = TABLE.map(({ phase, reported, ready, promoted, promotedMessage }) => [
      phase,
      reported,
      ready,
      promoted,
      promotedMessage.replaceAll(',', ''),
    ]);
    expect(new Set(told.map((row) => row.join(' | ')))).toEqual(new Set(expected.map((row) => row.join(' | '))));
    expect(new Set(TABLE.map(({ phase }) => phase))).toEqual(new Set(PHASES));
    expect(told).toHaveLength(PHASES.length);
  });

  it.each([
    'NotDrained',
    'PromotionFailed',
    'InitializationFailed',
    'FailedChecks',
    'NoData',
    'MetricSourceError',
    'CanaryCrashed',
    'ProgressDeadlineExceeded',
    'RollbackHook',
    'Aborted',
    'InvalidSpec',
    'TargetMissing',
    'RouteWritten',
    'RouteReadable',
    'Conflict',
    'NotificationsLost',
    'StatusInvalid',
    'InvariantViolated',
  ])('names %s', (word) => {
    expect(readFileSync(new URL('../../../docs/status.md', import.meta.url), 'utf8')).toContain(word);
  });
});

describe('observedGeneration', () => {
  it('is -1 until the controller has looked, so that nobody takes a new Canary for ready', async () => {
    const world = await initializedShop();
    world.kill(world.replicas[0]!);
    world.apply(shopCanary({ name: 'fresh' }));
    expect(world.status('fresh').observedGeneration).toBe(-1);
    world.close();
  });

  it('follows an edit of the spec at rest with one write', async () => {
    const world = await initializedShop();
    const mark = world.mark();
    world.changeCanary((draft) => {
      (draft.spec['analysis'] as Record<string, unknown>)['threshold'] = 7;
    });
    await world.clock.advance(60_000);
    expect(world.status().observedGeneration).toBe(world.canary()!.metadata.generation);
    expect(world.attempts(mark)).toEqual(['update canaries.serin.dev/status shop']);
    world.close();
  });
});

describe('transition times', () => {
  it('change with the status of a condition only', async () => {
    const world = await initializedShop();
    const times = new Map<string, Set<string>>();
    world.api.onCommit(({ kind, after }) => {
      if (kind.kind !== 'Canary') return;
      const { conditions = [] } = (after?.['status'] ?? {}) as {
        conditions?: { type: string; status: string; lastTransitionTime: string }[];
      };
      for (const { type, status, lastTransitionTime } of conditions) {
        const key = `${type} ${status}`;
        times.set(key, (times.get(key) ?? new Set()).add(lastTransitionTime));
      }
    });
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    // Ready stays True through the whole run; Promoted goes to Unknown and back.
    expect([...times].map(([key, seen]) => [key, seen.size])).toEqual([
      ['Promoted Unknown', 1],
      ['Ready True', 1],
      ['Promoted True', 1],
    ]);
    world.close();
  });
});

describe('kubectl get canary', () => {
  it("prints Flagger's columns and the sentence", async () => {
    const world = await reach('Progressing');
    const table = await tableOf(world, 'serin.dev');
    expect(table.columns.slice(0, 4)).toEqual(['Name', 'Status', 'Weight', 'LastTransitionTime']);
    expect(table.cells['Status']).toBe('Progressing');
    expect(String(table.cells['Weight'])).toBe('20');
    expect(table.wide).toEqual(
      expect.arrayContaining(['FailedChecks', 'Interval', 'StepWeight', 'MaxWeight', 'Version', 'Message']),
    );
    expect(String(table.cells['Message'])).toMatch(/^Judging at 20 %/);
    world.close();
  });
});

async function tableOf(
  world: LoopWorld,
  group: string,
): Promise<{ columns: string[]; wide: string[]; cells: Record<string, unknown> }> {
  const answer = await world.finish(
    world.api.handle({
      method: 'GET',
      path: `/apis/${group}/v1beta1/namespaces/web/canaries/shop`,
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
      user: 'people',
    }),
  );
  const { columnDefinitions, rows } = JSON.parse(answer.body as string) as {
    columnDefinitions: { name: string; priority: number }[];
    rows: { cells: unknown[] }[];
  };
  return {
    columns: columnDefinitions.filter(({ priority }) => priority === 0).map(({ name }) => name),
    wide: columnDefinitions.filter(({ priority }) => priority > 0).map(({ name }) => name),
    cells: Object.fromEntries(columnDefinitions.map(({ name }, index) => [name, rows[0]!.cells[index]])),
  };
}
