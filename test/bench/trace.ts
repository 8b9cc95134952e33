// Lists the requests of one run beside the decisions of the controller, to see which decision costs what.
import type { LogLine } from './controller.ts';
import { isWrite, type Asked } from './requests.ts';

/** Prints them in the order of time, in seconds since `startMs`. */
export function traceRun(asked: readonly Asked[], lines: readonly LogLine[], startMs: number): void {
  const requests = asked.map((one) => ({ atMs: one.atMs, text: requestText(one) }));
  const endMs = asked.at(-1)?.atMs ?? startMs;
  const decisions = lines
    .filter(({ atMs, fields }) => fields['message'] === 'Decided' && atMs >= startMs && atMs <= endMs + 100)
    .map(({ atMs, fields }) => ({ atMs, text: decisionText(fields) }));
  for (const { atMs, text } of [...requests, ...decisions].sort((a, b) => a.atMs - b.atMs))
    console.log(`${((atMs - startMs) / 1_000).toFixed(3).padStart(8)}  ${text}`);
}

function requestText(one: Asked): string {
  return `${isWrite(one) ? '  W' : '  R'} ${one.verb} ${one.resource} ${one.name} → ${one.status} ${one.changed.join(' ')}`;
}

function decisionText(fields: LogLine['fields']): string {
  const text = (name: string): string => String(fields[name]);
  return `${text('from')} → ${text('phase')} at ${text('weightPercent')} % because ${text('signal')}: ${JSON.stringify(fields['effects'])}`;
}
