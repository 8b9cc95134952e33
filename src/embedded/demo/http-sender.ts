// Sends plain HTTP requests, half of them over connections that are kept.
import { Agent, request as startRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Reply, Sender } from './load.ts';

const TIMEOUT_MS = 10_000;

/** Opens a sender to `url`; hosts go into the Host header, as a client's proxy would see them. */
export function openHttpSender(url: string): Sender {
  const kept = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  return {
    send: (host, onNewConnection) => sendOne(url, host, onNewConnection ? false : kept),
    close: () => kept.destroy(),
  };
}

function sendOne(url: string, host: string, agent: Agent | false): Promise<Reply> {
  return new Promise((resolve) => {
    const headers = { host, ...(agent === false ? { connection: 'close' } : {}) };
    const request = startRequest(url, { agent, headers, timeout: TIMEOUT_MS });
    const fail = (problem: string): void =>
      resolve({ isOk: false, role: null, version: null, isNewConnection: !request.reusedSocket, problem });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', (error) => fail(error.message));
    request.on('response', (response) => {
      response.resume();
      response.on('error', (error) => fail(error.message));
      response.on('end', () => resolve(replyOf(response, !request.reusedSocket)));
    });
    request.end();
  });
}

function replyOf({ statusCode = 0, headers }: IncomingMessage, isNewConnection: boolean): Reply {
  const isOk = statusCode >= 200 && statusCode < 300;
  const role = headers['x-role'];
  return {
    isOk,
    role: role === 'primary' || role === 'canary' ? role : null,
    version: typeof headers['x-version'] === 'string' ? headers['x-version'] : null,
    isNewConnection,
    problem: isOk ? '' : `status ${statusCode}`,
  };
}
