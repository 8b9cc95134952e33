// Makes text of the other side fit for Events, logs and status: one line, no control sequences, bounded.

const LENGTH_MAX = 256;
/** ANSI escape sequences (ECMA-48), so that no log is painted or rewritten. */
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const ESCAPES = /\u001b(?:\[[0-?]{0,32}[ -/]{0,8}[@-~]|[@-Z\\-_])/g;
/** Control, format (direction overrides among them), unassigned, private and surrogate characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}]+/gu;

/** The text on one line, without control characters, at most 256 characters; empty when nothing remains. */
export function cleanText(text: string): string {
  // The cut before the replacements bounds their work.
  const line = text
    .slice(0, 16 * LENGTH_MAX)
    .replace(ESCAPES, '')
    .replace(/\s+/g, ' ')
    .replace(UNPRINTABLE, '')
    .trim();
  const characters = Array.from(line);
  return characters.length <= LENGTH_MAX ? line : `${characters.slice(0, LENGTH_MAX - 1).join('')}…`;
}

/** A URL for people: no credentials, query or fragment; a fixed text when it is not a URL. */
export function displayUrl(text: string): string {
  if (!URL.canParse(text)) return 'an invalid URL';
  const url = new URL(text);
  return cleanText(
    `${url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin}${url.pathname === '/' && !text.endsWith('/') ? '' : url.pathname}`,
  );
}
