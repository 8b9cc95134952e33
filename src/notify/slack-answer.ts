// What Slack says in the body of an answer: the same for incoming webhooks and the Web API.
import { isObject } from '../util/json.ts';

/** A JSON object, or null for anything else. */
export function parseAnswer(body: string): Record<string, unknown> | null {
  try {
    const answer: unknown = JSON.parse(body);
    return isObject(answer) ? answer : null;
  } catch {
    return null;
  }
}

/** Slack's error code when it looks like one; never another text of the body. */
export function errorCodeOf(answer: Record<string, unknown>): string {
  const code = answer['error'];
  return typeof code === 'string' && /^[a-z0-9_:-]{1,60}$/.test(code) ? code : 'ok: false';
}
