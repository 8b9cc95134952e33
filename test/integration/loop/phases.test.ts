// Every phase can be reached, so that the tests of each phase are about that phase.
import { expect, test } from 'vitest';
import { PHASES } from '../../../src/core/phase.ts';
import { reach } from './phases.ts';

test.each(PHASES)('reaches %s', async (phase) => {
  const world = await reach(phase);
  expect(world.inner()).toBe(phase);
  world.close();
});
