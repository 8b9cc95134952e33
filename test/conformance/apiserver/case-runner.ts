// Runs request/response cases against an API server: the embedded one, or a real one over HTTP.
import { isObject } from '../../../src/util/json.ts';

/** One request of a case. Paths and bodies may hold `{{ns}}` and `{{0.metadata.uid}}`: values of earlier answers. */
export interface CaseRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A list of requests and what the last one is answered with. */
export interface ApiCase {
  readonly name: string;
  readonly requests: readonly CaseRequest[];
  /** What a real server must have for this case. */
  readonly needs?: string;
  readonly expected: {
    readonly status: number;
    /** What the body holds at least. Strings: `{{any}}` something, `{{absent}}` nothing, `/…/` matches; lists are whole. */
    readonly bodyMatch?: unknown;
    readonly headerMatch?: Readonly<Record<string, string>>;
  };
}

export interface CaseAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Sends one request and reads the whole answer. */
export type Send = (method: string, path: string, headers: Record<string, string>, body: string) => Promise<CaseAnswer>;

/** Runs a case in a namespace of its own; gives what differs, nothing when all is as expected. */
export async function runCase(send: Send, apiCase: ApiCase, namespace: string): Promise<string[]> {
  return judgeCase(apiCase, await playCase(send, apiCase, namespace), namespace);
}

/** Sends the requests of a case in a namespace of its own, each with what the answers before it said; gives all answers. */
export async function playCase(send: Send, apiCase: ApiCase, namespace: string): Promise<CaseAnswer[]> {
  const namespaceObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  const json = { 'content-type': 'application/json' };
  await send('POST', '/api/v1/namespaces', json, JSON.stringify(namespaceObject));
  const answers: CaseAnswer[] = [];
  for (const request of apiCase.requests) {
    const fill = (text: string): string => fillIn(text, namespace, answers);
    const body = textOf(request.body);
    const headers = body === '' ? {} : json;
    const answer = await send(request.method, fill(request.path), { ...headers, ...request.headers }, fill(body));
    answers.push({ ...answer, body: settleBookmarks(request.path, answer.body) });
  }
  return answers;
}

/** How long a watch must be for a bookmark to be sure: it comes two seconds before the end. */
const SURE_SECONDS = 3;

/** When bookmarks come is up to the server's clock: of several in a row one is kept, and in a short watch none. */
function settleBookmarks(path: string, body: unknown): unknown {
  if (!Array.isArray(body)) return body;
  const isSure = Number(/timeoutSeconds=(\d+)/.exec(path)?.[1] ?? 0) >= SURE_SECONDS;
  const events = body as readonly unknown[];
  return events.filter((event, index) => !isBookmark(event) || (isSure && !isBookmark(events[index + 1])));
}

/** A bookmark apart from the one that ends the initial events. */
function isBookmark(event: unknown): boolean {
  if (!isObject(event) || event['type'] !== 'BOOKMARK' || !isObject(event['object'])) return false;
  const { metadata } = event['object'];
  return isObject(metadata) && metadata['annotations'] === undefined;
}

/** What of the last answer is not as the case expects it. */
export function judgeCase(apiCase: ApiCase, answers: readonly CaseAnswer[], namespace: string): string[] {
  const last = answers.at(-1);
  return last === undefined ? ['no request was sent'] : differences(apiCase, last, namespace, answers);
}

function textOf(body: unknown): string {
  if (body === undefined) return '';
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function differences(apiCase: ApiCase, last: CaseAnswer, namespace: string, answers: readonly CaseAnswer[]): string[] {
  const { expected } = apiCase;
  const found: string[] = [];
  if (last.status !== expected.status) {
    found.push(`status ${last.status}, expected ${expected.status}: ${JSON.stringify(last.body).slice(0, 400)}`);
  }
  for (const [name, value] of Object.entries(expected.headerMatch ?? {})) {
    found.push(...compare(value, last.headers[name], `header ${name}`));
  }
  if (expected.bodyMatch === undefined) return found;
  const filled = JSON.parse(fillIn(JSON.stringify(expected.bodyMatch), namespace, answers)) as unknown;
  return [...found, ...compare(filled, last.body, '')];
}

function fillIn(text: string, namespace: string, answers: readonly CaseAnswer[]): string {
  return text.replaceAll(/\{\{(ns|\d+\.[^}]+)\}\}/g, (_whole, name: string) => {
    if (name === 'ns') return namespace;
    const [index = '0', ...path] = name.split('.');
    let value: unknown = answers[Number(index)]?.body;
    for (const key of path) {
      if (Array.isArray(value)) value = value[Number(key)];
      else value = isObject(value) ? value[key] : undefined;
    }
    return typeof value === 'string' ? value : JSON.stringify(value ?? null);
  });
}

function compare(expected: unknown, actual: unknown, path: string): string[] {
  const fail = (): string[] => [
    `${path}: ${JSON.stringify(actual)?.slice(0, 300) ?? 'nothing'}, expected ${JSON.stringify(expected)}`,
  ];
  if (expected === '{{absent}}') return actual === undefined ? [] : fail();
  if (expected === '{{any}}') return actual === undefined || actual === '' || actual === null ? fail() : [];
  if (typeof expected === 'string' && /^\/.+\/s?$/.test(expected)) {
    const pattern = new RegExp(expected.replace(/^\/|\/s?$/g, ''), 's');
    return typeof actual === 'string' && pattern.test(actual) ? [] : fail();
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return fail();
    return expected.flatMap((item, index) => compare(item, actual[index], `${path}[${index}]`));
  }
  if (isObject(expected)) {
    if (!isObject(actual)) return fail();
    return Object.entries(expected).flatMap(([key, value]) => compare(value, actual[key], `${path}.${key}`));
  }
  return expected === actual ? [] : fail();
}
