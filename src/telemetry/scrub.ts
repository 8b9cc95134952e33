// Takes secrets out of what is about to be logged: by the name of the field, at any depth, and out of URLs in any text.
import { dispositionOf, messageOf, SerinError } from '../errors.ts';

/** Takes the place of what was taken out. */
const REDACTED = '[redacted]';

/** Names of fields whose content is never shown, as parts of the name in any case. */
const SECRET_NAME =
  /authorization|cookie|token|passw(?:or)?d|passphrase|secret|credential|api[-_]?key|private[-_]?key|access[-_]?key|signature|bearer/i;
/** In text: an authorization header's value. */
const CREDENTIAL = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi;
/** In text: a URL. Webhook addresses hold their secret in the path, others in the user part or the query. */
const URL_TEXT = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/?#"'<>]*)([^\s"'<>]*)/gi;

const DEPTH_MAX = 8;
const ITEMS_MAX = 100;
const TEXT_MAX = 4_096;

/** A copy of `value` that may be logged: plain JSON, bounded in depth and size, without secrets. */
export function scrub(value: unknown, name = '', depth = 0): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value;
  if (SECRET_NAME.test(name)) return REDACTED;
  if (typeof value === 'string') return scrubText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object') return `[${typeof value}]`;
  if (depth >= DEPTH_MAX) return '[deep]';
  if (value instanceof Error) return scrubError(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => scrub(item, name, depth + 1));
  if (value instanceof Map) return scrub(Object.fromEntries(value), name, depth);
  if (value instanceof Set) return scrub([...value], name, depth);
  if (ArrayBuffer.isView(value)) return '[bytes]';
  const entries = Object.entries(value).slice(0, ITEMS_MAX);
  return Object.fromEntries(entries.map(([key, item]) => [key, scrub(item, key, depth + 1)]));
}

/** Text without credentials: of a URL only scheme, host and port stay. */
export function scrubText(text: string): string {
  return text
    .slice(0, TEXT_MAX)
    .replace(URL_TEXT, (_whole, scheme: string, authority: string, rest: string) => {
      const host = authority.slice(authority.lastIndexOf('@') + 1);
      return `${scheme}${host}${rest === '' || rest === '/' ? rest : `/${REDACTED}`}`;
    })
    .replace(CREDENTIAL, (_whole, scheme: string) => `${scheme} ${REDACTED}`);
}

/** What a line tells of an error. The stack only of what should never happen: the others are named by their code. */
function scrubError(error: Error): Record<string, unknown> {
  const code = error instanceof SerinError ? error.code : 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: scrubText(messageOf(error)),
    ...(dispositionOf(error) === 'halt' && error.stack !== undefined ? { stack: scrubText(error.stack) } : {}),
  };
}
