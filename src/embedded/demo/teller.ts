// How the demo tells what happens: the port, the facts that a view shows, and the plain form, a line for each change.
import type { CanaryView } from './canary-log.ts';

/** What clients have seen so far, and now. */
export interface LoadView {
  readonly requestsPerSecond: number;
  readonly requests: number;
  readonly failed: number;
  readonly newConnectionsPercent: number;
  /** Answered by the canary within the last second; null without any answer. */
  readonly canaryPercent: number | null;
}

/** What there is to see at one moment. */
export interface Board {
  readonly title: string;
  /** Seconds since the demo began. */
  readonly seconds: number;
  readonly story: string;
  readonly canaryName: string;
  readonly canary: CanaryView;
  /** Values of each check so far in this run, the oldest first. */
  readonly trends: ReadonlyMap<string, readonly number[]>;
  readonly load: LoadView;
}

/** Tells people. */
export interface Teller {
  /** Something to keep: the beginning and the result of a story. */
  line(text: string): void;
  /** A line that is meant to be copied: shown as it is. */
  raw(text: string): void;
  /** Something that happened: a phase, a weight, a check, an Event. */
  event(text: string): void;
  /** Shows nothing further. */
  close(): void;
}

/** Where text goes, and since when time is told. */
export interface PlainOptions {
  readonly write: (text: string) => void;
  readonly secondsNow: () => number;
}

/** A line for each thing that happened; for logs and pipes. */
export function openPlainTeller({ write, secondsNow }: PlainOptions): Teller {
  const tell = (text: string): void => write(`${stamp(secondsNow())}  ${text}\n`);
  return { line: tell, raw: (text) => write(`${text}\n`), event: tell, close: () => undefined };
}

/** `  12.3 s`, as wide as an hour needs. */
export const stamp = (seconds: number): string => `${seconds.toFixed(1).padStart(6)} s`;

/** A value of a check with as many digits as say something. */
export const valueText = (value: number | null): string =>
  value === null ? '-' : String(Math.round(value * 100) / 100);

/** What a check must keep to. */
export function boundText({ min, max }: { readonly min: number | null; readonly max: number | null }): string {
  return [...(min === null ? [] : [`at least ${min}`]), ...(max === null ? [] : [`at most ${max}`])].join(', ');
}
