// The demo as newcomers run it, on each mesh: it ends with 0, and its figures say that all stories ended as told.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DemoFigures, StoryFigures } from '../../src/embedded/demo/figures.ts';
import { figuresOf, startDemo, type Ended } from './run-demo.ts';

/** Each takes about a minute: the rest runs in CI, or when asked for. */
const isComplete = process.env['CI'] === 'true' || process.env['SERIN_E2E'] === 'all';
const ALWAYS = [
  ['istio', 'http'],
  ['appmesh-v1beta1', 'grpc'],
] as const;
const OTHERS = [
  ['gateway-api', 'http'],
  ['appmesh-v1beta1', 'http'],
  ['appmesh-v1beta2', 'http'],
  ['smi', 'http'],
  ['kubernetes', 'http'],
  ['istio', 'grpc'],
  ['gateway-api', 'grpc'],
] as const;

/** The demo ends itself after 90 s; npm and the stop of its parts come on top. */
const LIMIT_MS = 120_000;

describe.each([...ALWAYS, ...(isComplete ? OTHERS : [])])('the demo on %s with %s', (mesh, protocol) => {
  const isSplit = mesh !== 'kubernetes';
  const folder = mkdtempSync(join(tmpdir(), 'serin-e2e-'));
  let ended: Ended;
  let figures: DemoFigures;
  const story = (name: string): StoryFigures => figures.stories.find((told) => told.name === name)!;

  beforeAll(async () => {
    ended = await startDemo(['--json', '--mesh', mesh, '--protocol', protocol], { TMPDIR: folder }).ended;
    figures = figuresOf(ended);
  }, LIMIT_MS);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('ends with 0 within 90 s, all stories as told', () => {
    expect(figures.problems, ended.stdout).toEqual([]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(figures).toMatchObject({ isAsTold: true, mesh, protocol });
    expect(figures.seconds).toBeLessThanOrEqual(90);
    expect(figures.stories.map(({ name, outcome, phase }) => [name, outcome, phase])).toEqual([
      ['good', 'promoted', 'Succeeded'],
      ['errors', 'rolledBack', 'Failed'],
      ['slow', 'rolledBack', 'Failed'],
    ]);
  });

  it('promotes the good revision without a failed request', () => {
    expect(story('good').failed).toBe(0);
    if (isSplit) expect(story('good').weights).toEqual([0, 10, 20, 30, 40, 50, 0]);
  });

  it('rolls the bad ones back for their fault, and nobody suffers after that', () => {
    expect(story('errors').reason).toMatch(/2 of 2 checks failed, last: .*request-success-rate/);
    expect(story('slow').reason).toMatch(/2 of 2 checks failed, last: .*request-duration/);
    expect(story('errors').failed).toBeGreaterThan(0);
    for (const bad of [story('errors'), story('slow')]) {
      expect(bad).toMatchObject({ failedElsewhere: 0, badAfterRollback: 0 });
      // One interval until the first look, one more for the second; the rest is for a machine that is busy.
      expect(bad.detectionToPrimaryMs).toBeGreaterThan(0);
      expect(bad.detectionToPrimaryMs).toBeLessThanOrEqual(10_000);
      // A check may see no bad answer by chance: then there is one weight more before the rollback.
      if (isSplit) expect(bad.weights.join()).toMatch(/^0,10,(20,)?0$/);
    }
  });

  it('puts real load on each story', () => {
    for (const told of figures.stories) {
      expect(told.requests).toBeGreaterThanOrEqual(2_000);
      expect(told.requestsPerSecond).toBeGreaterThanOrEqual(100);
      expect(told.newConnectionsShare).toBeGreaterThanOrEqual(0.5);
      expect(told.newConnectionsShare).toBeLessThan(0.75);
    }
  });

  it.runIf(isSplit)('sends the share of requests to the canary that the route asks for, at each weight', () => {
    for (const told of figures.stories) {
      const weights = new Set(told.shares.map(({ weightPercent }) => weightPercent));
      expect([...weights].sort((a, b) => a - b)).toEqual([...new Set(told.weights)].sort((a, b) => a - b));
      for (const share of told.shares) expect(share.pValue, JSON.stringify(share)).toBeGreaterThanOrEqual(1e-6);
    }
  });

  it('asks nothing of the API server while nothing happens, and little at each step', () => {
    expect(figures.idleSeconds).toBeGreaterThan(2);
    expect(figures.idleRequestsPerMinute).toBe(0);
    if (isSplit) expect(story('good').apiWritesPerStep).toBeLessThanOrEqual(3);
  });

  it('leaves nothing behind', () => {
    // What npm keeps for itself is npm's.
    expect(readdirSync(folder).filter((name) => name.startsWith('serin'))).toEqual([]);
  });
});
