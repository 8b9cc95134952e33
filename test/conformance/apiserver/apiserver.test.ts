// The embedded API server answers as a real kube-apiserver 1.36 does: every case was put to a real one first.
import { beforeAll, describe, expect, test } from 'vitest';
import { createApiServer } from '../../../src/embedded/apiserver/server.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';
import { WIDGET_CRD } from './case-kit.ts';
import { type CaseAnswer, runCase, type Send } from './case-runner.ts';
import { CREATION_CASES } from './cases-creation.ts';
import { STRICT_CASES } from './cases-strict.ts';
import { TYPED_CASES } from './cases-typed.ts';
import { UPDATE_CASES } from './cases-updates.ts';
import { DELETION_CASES } from './cases-deletion.ts';
import { PATH_CASES } from './cases-paths.ts';
import { PATCH_CASES } from './cases-patch.ts';
import { STRATEGIC_CASES } from './cases-strategic.ts';
import { APPLY_CASES } from './cases-apply.ts';
import { LIST_CASES } from './cases-lists.ts';
import { WATCH_CASES } from './cases-watches.ts';
import { CUSTOM_CASES } from './cases-custom.ts';
import { WORKLOAD_CASES } from './cases-workloads.ts';
import { BUILT_IN_CASES } from './cases-built-in.ts';

const CASES = [
  ...STRICT_CASES,
  ...TYPED_CASES,
  ...CREATION_CASES,
  ...UPDATE_CASES,
  ...DELETION_CASES,
  ...PATH_CASES,
  ...PATCH_CASES,
  ...STRATEGIC_CASES,
  ...APPLY_CASES,
  ...LIST_CASES,
  ...WATCH_CASES,
  ...CUSTOM_CASES,
  ...WORKLOAD_CASES,
  ...BUILT_IN_CASES,
];
const api = createApiServer({ clock: systemClock, random: systemRandom });

const send: Send = async (method, path, headers, body) => {
  const answer = await api.handle({ method, path, headers, body, user: 'admin' });
  return { status: answer.status, headers: answer.headers, body: await readBody(answer.body) };
};

async function readBody(body: string | AsyncIterable<string>): Promise<CaseAnswer['body']> {
  if (typeof body !== 'string') {
    const events: unknown[] = [];
    for await (const line of body) events.push(JSON.parse(line));
    return events;
  }
  return body.startsWith('{') ? (JSON.parse(body) as unknown) : body;
}

beforeAll(async () => {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const answer = await send('POST', path, { 'content-type': 'application/json' }, JSON.stringify(WIDGET_CRD));
  expect(answer.status).toBe(201);
});

test('there are at least 150 cases, each with a name of its own', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(150);
  expect(new Set(CASES.map((each) => each.name)).size).toBe(CASES.length);
});

describe.concurrent('the embedded API server', () => {
  for (const [index, apiCase] of CASES.entries()) {
    test.concurrent(apiCase.name, async ({ expect }) => {
      expect(await runCase(send, apiCase, `case-${index}`)).toEqual([]);
    });
  }
});
