// docs/status.md tells what Ready and Promoted mean in each phase; this compares it with what the controller says.
import { describe, expect, it } from 'vitest';
import { promotedFinding, readyFinding } from '../../src/controller/conditions.ts';
import { PHASES, reportedPhase, type Phase } from '../../src/core/phase.ts';
import { initialState, type State } from '../../src/core/state.ts';
import { textOf } from './tree.ts';

/** Rows of the first table after a heading, cells without backquotes. */
function rowsAfter(heading: string): readonly (readonly string[])[] {
  const page = textOf('docs/status.md');
  const section = page.slice(page.indexOf(heading) + heading.length);
  const table = section.slice(section.indexOf('|'), section.indexOf('\n\n', section.indexOf('|')));
  return table
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

const stateIn = (phase: Phase, change: Partial<State> = {}): State => ({ ...initialState(0), phase, ...change });
const said = (state: State): readonly string[] => {
  const ready = readyFinding(state, 'a');
  const promoted = promotedFinding(state, 'Deployment');
  return [`${ready.status}, ${ready.reason}`, `${promoted.status}, ${promoted.reason}`, promoted.message];
};

describe('the table of phases', () => {
  const rows = new Map(rowsAfter('## By phase').map((row) => [row[0] ?? '', row]));

  it('has a row for each phase, and no other', () => {
    expect([...rows.keys()]).toEqual([...PHASES.filter((phase) => phase !== 'Failed'), 'Failed']);
  });

  it.each(PHASES)('tells %s as the controller does', (phase) => {
    const change: Partial<State> =
      phase === 'Failed' ? { failure: 'rolledBack', because: { signal: 'budgetSpent', message: '', atMs: 0 } } : {};
    const row = rows.get(phase) ?? [];
    expect(row[1]).toBe(reportedPhase(phase));
    expect(row.slice(2, 5)).toEqual(said(stateIn(phase, change)));
  });
});

describe('the table of exceptions', () => {
  const rows = new Map(rowsAfter('## Exceptions').map((row) => [row[0] ?? '', row]));

  it.each([
    ['the canary still receives traffic in a resting phase', stateIn('Succeeded', { isDrainPending: true })],
    ['the primary did not become ready on the new revision', stateIn('Failed', { failure: 'primaryBroken' })],
    ['the Canary was never initialized', stateIn('Failed', { failure: 'neverInitialized' })],
  ])('tells that %s', (name, state) => {
    expect(rows.get(name)?.[1]).toBe(said(state)[0]);
  });
});
