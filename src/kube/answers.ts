// What an answer of the API server means: which error, which object, and whether it can be believed.
import { ConflictError, RefusedError, TransientError } from '../errors.ts';
import type { SerinError } from '../errors.ts';
import { isObject } from '../util/json.ts';
import type { KubeObject, ObjectRef, ResourceKind } from './contract.ts';
import type { RawAnswer } from './exchange.ts';
import { apiVersionOf } from './kinds.ts';

/** A 2xx answer with its JSON, or a 4xx answer with the server's Status where it sent one. */
export interface Answer {
  readonly status: number;
  readonly value: unknown;
}

/** The longest wait that a server can ask of us, in milliseconds. */
const RETRY_AFTER_MAX_MS = 60_000;
const RETRY_AFTER_DEFAULT_MS = 1_000;
const RETRY_AFTER_MIN_MS = 100;

/** How long the server asks us to wait; `absentMs` where it does not say, a second where it says it in a way we do not read. */
function retryAfterMs(headers: Readonly<Record<string, string>>, absentMs: number | null): number | null {
  const text = headers['retry-after'];
  if (text === undefined) return absentMs;
  const seconds = /^\s*[0-9]{1,9}\s*$/.test(text) ? Number(text) : RETRY_AFTER_DEFAULT_MS / 1000;
  return Math.min(Math.max(seconds * 1000, RETRY_AFTER_MIN_MS), RETRY_AFTER_MAX_MS);
}

/** What a message says of a write whose answer is missing; nothing for a read. */
export function doubtOf(method: string): string {
  return method === 'GET' ? '' : '; whether it was done is unknown';
}

/** The TransientError of an answer that is neither a success nor a refusal; null for 2xx and other 4xx. */
export function answerFault(
  raw: RawAnswer,
  call: { readonly what: string; readonly method: string },
): TransientError | null {
  const { status, headers } = raw;
  if (status >= 200 && status < 300) return null;
  if (status === 429) {
    return new TransientError('IO_THROTTLED', `${call.what}: the server asks us to slow down (429)`, {
      retryAfterMs: retryAfterMs(headers, RETRY_AFTER_DEFAULT_MS),
    });
  }
  if (status >= 500) {
    const said = describeStatus(readStatus(parseJson(raw.text)), status);
    return new TransientError('IO_SERVER', `${call.what}: the server failed with ${said}${doubtOf(call.method)}`, {
      retryAfterMs: retryAfterMs(headers, null),
    });
  }
  if (status < 400) {
    return new TransientError(
      'IO_REDIRECT',
      `${call.what}: the server answered ${status}, and an API server's answer is never followed elsewhere`,
    );
  }
  return null;
}

/** The JSON of an answer. Throws TransientError for a success that is not JSON, such as the HTML page of a proxy. */
export function parseAnswer(raw: RawAnswer, what: string): Answer {
  const isJson = /^application\/json\b/i.test(raw.headers['content-type'] ?? '');
  const value = isJson ? parseJson(raw.text) : undefined;
  if (raw.status < 300 && value === undefined) {
    throw new TransientError('IO_PROTOCOL', `${what}: the answer is not JSON, so it is not the API server's`);
  }
  return { status: raw.status, value };
}

/** The members of a Status object that we use. */
export interface StatusSeen {
  readonly reason: string;
  readonly message: string;
  /** Name of the object that the Status is about; empty when it names none. */
  readonly name: string;
}

/** The server's Status; null when `value` is none. */
export function readStatus(value: unknown): StatusSeen | null {
  if (!isObject(value) || value['kind'] !== 'Status') return null;
  const details = isObject(value['details']) ? value['details'] : {};
  return { reason: textOf(value['reason']), message: textOf(value['message']), name: textOf(details['name']) };
}

/** The error of a 4xx answer. `isSecret` keeps the server's words out, since they may quote values. */
export function refusalOf(answer: Answer, what: string, isSecret: boolean): SerinError {
  const status = readStatus(answer.value);
  if (answer.status === 409) {
    const said = status?.reason === 'AlreadyExists' ? 'it exists already' : 'somebody wrote first';
    return new ConflictError(`${what}: ${said}`);
  }
  const shown = isSecret && status !== null ? { ...status, message: '' } : status;
  return new RefusedError(answer.status, `${what}: the server refused with ${describeStatus(shown, answer.status)}`);
}

/** Checks that an answer is the object that was asked for. Throws TransientError when it is something else. */
export function checkObject(value: unknown, ref: ObjectRef, what: string): KubeObject {
  const problem = objectProblem(value, ref.kind) ?? identityProblem(value as KubeObject, ref);
  if (problem !== null) throw new TransientError('IO_PROTOCOL', `${what}: the answer is not that object: ${problem}`);
  return value as KubeObject;
}

/** Why `value` is no object of this kind as an API server would send it; null when it is one. */
export function objectProblem(value: unknown, kind: ResourceKind): string | null {
  if (!isObject(value)) return 'it is no JSON object';
  if (value['kind'] !== kind.kind) return `its kind is ${quote(value['kind'])}, must be "${kind.kind}"`;
  if (value['apiVersion'] !== apiVersionOf(kind)) {
    return `its apiVersion is ${quote(value['apiVersion'])}, must be "${apiVersionOf(kind)}"`;
  }
  const metadata = value['metadata'];
  if (!isObject(metadata)) return 'it has no metadata';
  for (const member of ['name', 'uid', 'resourceVersion']) {
    if (typeof metadata[member] !== 'string' || metadata[member] === '') return `metadata.${member} is missing`;
  }
  if (kind.namespaced && typeof metadata['namespace'] !== 'string') return 'metadata.namespace is missing';
  return null;
}

function identityProblem({ metadata }: KubeObject, ref: ObjectRef): string | null {
  if (metadata.name !== ref.name) return `its name is ${quote(metadata.name)}, must be "${ref.name}"`;
  if (ref.kind.namespaced && metadata.namespace !== ref.namespace) {
    return `its namespace is ${quote(metadata.namespace)}, must be "${ref.namespace}"`;
  }
  return null;
}

function describeStatus(status: StatusSeen | null, code: number): string {
  const reason = status === null || status.reason === '' ? '' : ` ${clean(status.reason, 60)}`;
  const message = status === null || status.message === '' ? '' : `: ${clean(status.message, 300)}`;
  return `${code}${reason}${message}`;
}

// Control characters could forge log lines or move a terminal's cursor.
function clean(text: string, lengthMax: number): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').slice(0, lengthMax);
}

function quote(value: unknown): string {
  return typeof value === 'string' ? `"${clean(value, 80)}"` : 'missing';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
