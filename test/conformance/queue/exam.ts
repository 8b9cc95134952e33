// The examination that every queue store sits: what contract.ts promises, case by case.
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
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
}

/** Examines the store that `makeStore` gives; it is made once and closed at the end. */
export function examineQueue(name: string, makeStore: () => Promise<ExamStore>, isSkipped = false): void {
  describe.skipIf(isSkipped)(`queue on ${name}`, () => {
    let exam: ExamStore | null = null;
    let current: Case | null = null;
    const desk: Desk = {
      get now() {
        return current!;
      },
      get exam() {
        return exam!;
      },
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
