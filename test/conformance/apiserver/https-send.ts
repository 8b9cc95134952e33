// Sends the requests of cases to any API server over HTTPS, as they are, and reads whole answers.
import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { parse } from 'yaml';
import type { CaseAnswer, Send } from './case-runner.ts';

/** Where an API server listens, and with what token it is asked. */
export interface Endpoint {
  /** `https://host:port`. */
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
}

/** A way to send, over connections that are kept; `close` ends them. */
export interface HttpsSender {
  readonly send: Send;
  close(): void;
}

const LIMIT_MS = 60_000;

/** Opens a way to send. A body of several JSON lines is an array, one of JSON is its value, anything else is text. */
export function openHttpsSender(endpoint: Endpoint): HttpsSender {
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ca: endpoint.caPem });
  const send: Send = (method, path, headers, body) =>
    new Promise((resolve, reject) => {
      const sent = request(
        endpoint.url + path,
        {
          agent,
          method,
          headers: {
            authorization: `Bearer ${endpoint.token}`,
            ...headers,
            ...(body === '' ? {} : { 'content-length': Buffer.byteLength(body) }),
          },
          timeout: LIMIT_MS,
        },
        (incoming) => {
          const parts: Buffer[] = [];
          incoming.on('data', (part: Buffer) => parts.push(part));
          incoming.on('error', reject);
          incoming.on('end', () => {
            resolve({
              status: incoming.statusCode ?? 0,
              headers: plain(incoming.headers),
              body: readCaseBody(path, Buffer.concat(parts).toString('utf8'), incoming.headers['content-type']),
            });
          });
        },
      );
      sent.on('error', reject);
      sent.on('timeout', () => sent.destroy(new Error(`Cannot read ${path}: no answer within ${LIMIT_MS} ms`)));
      sent.end(body);
    });
  return { send, close: () => agent.destroy() };
}

/** A watch that was answered is a list of events; other JSON and YAML is its value; the rest is text. */
export function readCaseBody(path: string, text: string, type = ''): CaseAnswer['body'] {
  const isWatch = /[?&]watch=(true|1)/.test(path);
  if (type.startsWith('application/yaml')) return parse(text) as unknown;
  if (!text.startsWith('{')) return isWatch && text === '' ? [] : text;
  if (!isWatch) return JSON.parse(text) as unknown;
  const events = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return events.length === 1 && events[0]?.['type'] === undefined ? events[0] : events;
}

function plain(headers: IncomingHttpHeaders): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) found[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return found;
}
