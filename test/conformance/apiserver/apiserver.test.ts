// The embedded API server answers as a real kube-apiserver 1.36 does: every case was put to a real one first.
import { beforeAll, describe, expect, test } from 'vitest';
import { createApiServer } from '../../../src/embedded/apiserver/server.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';
import { ALL_CASES } from './all-cases.ts';
import { WIDGET_CRD } from './case-kit.ts';
import { runCase, type Send } from './case-runner.ts';
import { readCaseBody } from './https-send.ts';

const api = createApiServer({ clock: systemClock, random: systemRandom });

const send: Send = async (method, path, headers, body) => {
  const answer = await api.handle({ method, path, headers, body, user: 'admin' });
  const text = typeof answer.body === 'string' ? answer.body : await readLines(answer.body);
  const { status, headers: answered } = answer;
  return { status, headers: answered, body: readCaseBody(path, text, answered['content-type']) };
};

async function readLines(lines: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const line of lines) text += line;
  return text;
}

beforeAll(async () => {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const answer = await send('POST', path, { 'content-type': 'application/json' }, JSON.stringify(WIDGET_CRD));
  expect(answer.status).toBe(201);
  // Cases ask for versions that the server no longer has.
  api.compact();
});

test('there are at least 400 cases, each with a name of its own', () => {
  expect(ALL_CASES.length).toBeGreaterThanOrEqual(400);
  expect(new Set(ALL_CASES.map((each) => each.name)).size).toBe(ALL_CASES.length);
});

describe.concurrent('the embedded API server', () => {
  for (const [index, apiCase] of ALL_CASES.entries()) {
    test.concurrent(apiCase.name, async ({ expect }) => {
      expect(await runCase(send, apiCase, `case-${index}`)).toEqual([]);
    });
  }
});
