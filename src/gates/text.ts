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

/** Shorter values are names and numbers, whose removal would only spoil the text. */
const SECRET_MIN = 4;

/** Takes what a URL holds for its server alone, user, password and query, out of a text in which that server may echo it. */
export function hideSecretsOf(url: string, text: string): string {
  if (!URL.canParse(url)) return text;
  const { username, password, searchParams, search, hash } = new URL(url);
  const [user, word] = [decoded(username), decoded(password)];
  const basic = Buffer.from(`${user}:${word}`, 'utf8').toString('base64');
  const raw = search.split(/[?&]/).map((pair) => pair.slice(pair.indexOf('=') + 1));
  const secrets = [username, password, user, word, basic, ...searchParams.values(), ...raw, hash.slice(1)]
    .filter((secret) => secret.length >= SECRET_MIN)
    .sort((a, b) => b.length - a.length);
  return secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '[redacted]'), text);
}

/** Percent signs that encode nothing stay: a URL may hold them. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
