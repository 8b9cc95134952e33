// The examination that every queue store sits: what contract.ts promises, case by case.
import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from 'vitest';
import { Case } from './bench.ts';
import type { ExamStore } from './bench.ts';
import { examineHints } from './exam-hints.ts';
import { examineLife } from './exam-life.ts';
import { examineTrust } from './exam-trust.ts';
import { examineWork } from './exam-work.ts';

/** Gives the case that runs and its store. */
export interface Desk {
  readonly now: Case;
  readonly exam: ExamStore;
  /** `test` for cases that look behind the contract, at BullMQ; left out for queues that are not made of it. */
  readonly deepTest: typeof test | typeof test.skip;
}

/** Which cases are left out. */
export interface ExamScope {
  /** All: what the store needs is not there. */
  readonly isSkipped?: boolean;
  /** Those that look behind the contract: the queue is not made of BullMQ, and its `open` is its own. */
  readonly isShallow?: boolean;
}

/** Examines the store that `makeStore` gives; it is made once and closed at the end. */
export function examineQueue(name: string, makeStore: () => Promise<ExamStore>, scope: ExamScope = {}): void {
  describe.skipIf(scope.isSkipped ?? false)(`queue on ${name}`, () => {
    let exam: ExamStore | null = null;
    let current: Case | null = null;
    const desk: Desk = {
      get now() {
        return current!;
      },
      get exam() {
        return exam!;
      },
      deepTest: scope.isShallow === true ? test.skip : test,
    };
    beforeAll(async () => {
      exam = await makeStore();
    });
    beforeEach(() => {
      current = new Case(desk.exam);
    });
    afterEach(() => current?.clear());
    afterAll(() => exam?.close());
    examineHints(desk);
    examineWork(desk);
    examineTrust(desk);
    examineLife(desk);
  });
}
