// The embedded API server answers every case as a real one does, whole answers compared; what differs has a row in docs/embedded.md.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listenOn, type Listening } from '../../src/embedded/apiserver/listen.ts';
import { createApiServer } from '../../src/embedded/apiserver/server.ts';
import { systemClock } from '../../src/util/clock.ts';
import { systemRandom } from '../../src/util/random.ts';
import { ALL_CASES } from '../conformance/apiserver/all-cases.ts';
import { WIDGET_CRD } from '../conformance/apiserver/case-kit.ts';
import { judgeCase, playCase, type ApiCase } from '../conformance/apiserver/case-runner.ts';
import { openHttpsSender, type HttpsSender } from '../conformance/apiserver/https-send.ts';
import { explain, KNOWN_DIFFERENCES } from '../conformance/apiserver/known-differences.ts';
import { compareAnswers, type Difference } from '../conformance/apiserver/likeness.ts';
import { CONTROL_PLANE_PARTS, startControlPlane, type ControlPlane } from './control-plane.ts';
import { hasRealParts } from './suite.ts';
import { waitFor } from './waiting.ts';

/** What one case gave on both servers. */
interface Outcome {
  readonly apiCase: ApiCase;
  readonly differences: readonly Difference[];
  /** What of the real server's last answer is not as the case expects it. */
  readonly unlikeReal: readonly string[];
}

const AT_ONCE = 6;
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const JSON_TYPE = { 'content-type': 'application/json' };

describe.skipIf(!hasRealParts(CONTROL_PLANE_PARTS))('the embedded API server beside a real one', () => {
  const api = createApiServer({ clock: systemClock, random: systemRandom });
  const outcomes = new Map<string, Outcome>();
  let plane: ControlPlane;
  let listening: Listening;
  let embedded: HttpsSender;
  let real: HttpsSender;

  beforeAll(async () => {
    listening = await listenOn(api);
    plane = await startControlPlane();
    embedded = openHttpsSender({ ...listening, token: 'admin-token' });
    await forgetWhatWasBefore();
    real = openHttpsSender({ url: plane.url, caPem: plane.caPem, token: plane.tokenOf('admin') });
    for (const { send } of [embedded, real]) await serveWidgets(send);
    await playAll();
  });

  afterAll(async () => {
    embedded?.close();
    real?.close();
    api.close();
    await listening?.close();
    await plane?.stop();
  });

  /** Cases ask for versions that are no longer known: a real server forgets them at a compaction, its watch caches at a restart. */
  async function forgetWhatWasBefore(): Promise<void> {
    api.compact();
    await plane.compact();
    await plane.stopApiServer();
    await plane.startApiServer();
  }

  async function serveWidgets(send: HttpsSender['send']): Promise<void> {
    await send('POST', CRDS, JSON_TYPE, JSON.stringify(WIDGET_CRD));
    const path = '/apis/cases.serin.dev/v1/namespaces/default/widgets';
    await waitFor('the kind Widget', async () => (await send('GET', path, {}, '')).status === 200, 30_000);
  }

  async function playAll(): Promise<void> {
    const waiting = [...ALL_CASES.entries()];
    const play = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, apiCase] = next;
        const namespace = `case-${index}`;
        const [left, right] = await Promise.all([embedded, real].map(({ send }) => playCase(send, apiCase, namespace)));
        const differences = compareAnswers(left ?? [], right ?? []);
        outcomes.set(apiCase.name, { apiCase, differences, unlikeReal: judgeCase(apiCase, right ?? [], namespace) });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, play));
  }

  test.each(ALL_CASES)('$name', (apiCase) => {
    const { differences, unlikeReal } = outcomes.get(apiCase.name)!;
    expect(unlikeReal).toEqual([]);
    expect(differences.filter((difference) => explain(apiCase.name, difference) === undefined)).toEqual([]);
  });

  test.each(KNOWN_DIFFERENCES)('row $name of docs/embedded.md is still true', (known) => {
    const showing = (cases: readonly string[]): readonly string[] =>
      cases.filter((name) => outcomes.get(name)?.differences.some((found) => explain(name, found) === known));
    if (known.cases === 'any') expect(showing([...outcomes.keys()])).not.toEqual([]);
    else expect(showing(known.cases)).toEqual(known.cases);
  });
});

test('docs/embedded.md has the row of each known difference, and no other', () => {
  const page = readFileSync(new URL('../../docs/embedded.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name = '']) => name);
  expect(rows.toSorted()).toEqual(KNOWN_DIFFERENCES.map(({ name }) => name).toSorted());
});
