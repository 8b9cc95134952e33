// Intent of people: one annotation on the Canary, acknowledged by id in status and never deleted by us.
import type { RequestSeen } from '../core/observation.ts';
import type { State } from '../core/state.ts';
import type { KubeObject } from '../kube/contract.ts';
import { isObject } from '../util/json.ts';
import { timeOf } from '../util/time.ts';

/** The annotation: JSON `{id, verb, revision, by, expires}`. */
export const REQUEST_ANNOTATION = 'serin.dev/request';

const VERBS = ['abort', 'pause', 'resume'] as const;

/** The request that waits for an answer; null when there is none or it was answered. Anything malformed is answered with a refusal. */
export function requestSeen(object: KubeObject, state: State, nowMs: number): RequestSeen | null {
  const text = object.metadata.annotations?.[REQUEST_ANNOTATION];
  if (text === undefined || text === '') return null;
  const request = parse(text);
  const id =
    typeof request['id'] === 'string' && request['id'] !== '' ? request['id'].slice(0, 64) : `malformed-${text.length}`;
  if (state.lastRequest?.id === id) return null;
  const verb = VERBS.find((known) => known === request['verb']);
  // A shell without $USER writes an empty one.
  const by = (typeof request['by'] === 'string' && request['by'].trim().slice(0, 128)) || 'unknown';
  return {
    id,
    verb: verb ?? 'pause',
    by,
    refusal: verb === undefined ? unknownVerb(request['verb']) : refusalOf(request, state, nowMs),
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text.slice(0, 4_096));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function unknownVerb(verb: unknown): string {
  return `Refused: unknown verb ${JSON.stringify(verb)?.slice(0, 40) ?? ''}, known are ${VERBS.join(', ')}`;
}

function refusalOf(request: Record<string, unknown>, state: State, nowMs: number): string | null {
  const expires = typeof request['expires'] === 'string' ? timeOf(request['expires']) : Number.NaN;
  if (Number.isFinite(expires) && nowMs > expires) return 'Refused: the request has expired';
  const revision = request['revision'];
  if (typeof revision === 'string' && revision !== '' && revision !== state.run?.revision) {
    return `Refused: it is about revision ${revision.slice(0, 40)}, under way is ${state.run?.revision ?? 'none'}`;
  }
  return null;
}
