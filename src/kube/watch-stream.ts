// Turns the bytes of a watch into events: split at line feeds, decoded, checked.
import { TransientError } from '../errors.ts';
import { isObject } from '../util/json.ts';
import { objectProblem } from './answers.ts';
import type { KubeObject, ResourceKind, WatchEvent } from './contract.ts';

/** The largest event that is read, in bytes. Objects are at most about 1.5 MiB; more is a broken or hostile server. */
export const EVENT_BYTES_MAX = 16 * 2 ** 20;
const LINE_FEED = 10;
const TYPES = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

/**
 * The lines of a stream of bytes. A line feed is never part of a longer UTF-8 sequence, so lines are cut before they are
 * decoded, and a character may come in pieces. Throws TransientError for a line over `bytesMax`, a last line without its line feed, or bytes that are not UTF-8.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
  what: string,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let pieces: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      pieces.push(chunk.subarray(start, end));
      checkSize(size + end - start, bytesMax, what);
      const line = decode(decoder, pieces, what);
      pieces = [];
      size = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start < chunk.byteLength) {
      pieces.push(chunk.subarray(start));
      size += chunk.byteLength - start;
      checkSize(size, bytesMax, what);
    }
  }
  if (decode(decoder, pieces, what).trim() !== '') {
    throw new TransientError('IO_PROTOCOL', `${what}: the stream ended in the middle of an event`);
  }
}

/** The event of one line. Throws TransientError IO_PROTOCOL for anything that is none: what it said is lost, so the caller must list again. */
export function parseEvent(line: string, kind: ResourceKind, what: string): WatchEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new TransientError('IO_PROTOCOL', `${what}: an event is not JSON`);
  }
  if (!isObject(value) || typeof value['type'] !== 'string' || !TYPES.has(value['type'])) {
    throw new TransientError('IO_PROTOCOL', `${what}: an event has no known type`);
  }
  const event = value as { type: WatchEvent['type']; object: unknown };
  if (event.type === 'ERROR') {
    const status = isObject(event.object) ? event.object : {};
    return { type: 'ERROR', object: status as unknown as KubeObject };
  }
  const problem = event.type === 'BOOKMARK' ? bookmarkProblem(event.object) : objectProblem(event.object, kind);
  if (problem !== null) throw new TransientError('IO_PROTOCOL', `${what}: the object of an event is wrong: ${problem}`);
  return event as WatchEvent;
}

// A bookmark carries nothing but a version.
function bookmarkProblem(object: unknown): string | null {
  const metadata = isObject(object) ? object['metadata'] : undefined;
  const version = isObject(metadata) ? metadata['resourceVersion'] : undefined;
  return typeof version === 'string' && version !== '' ? null : 'metadata.resourceVersion is missing';
}

function checkSize(size: number, bytesMax: number, what: string): void {
  if (size > bytesMax) throw new TransientError('IO_TOO_LARGE', `${what}: an event is larger than ${bytesMax} bytes`);
}

function decode(decoder: TextDecoder, pieces: readonly Uint8Array[], what: string): string {
  try {
    return decoder.decode(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
  } catch {
    throw new TransientError('IO_PROTOCOL', `${what}: an event is not UTF-8`);
  }
}
