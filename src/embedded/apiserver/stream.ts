// A stream of lines between a writer that does not wait and a reader that does.

/** A reader that is this many lines behind is cut off. */
const BACKLOG_MAX = 100_000;

/** A stream of lines that is filled from one side and read from the other. */
export interface LineStream {
  readonly lines: AsyncIterable<string>;
  push(text: string): void;
  /** Ends the stream after what is in it. */
  end(): void;
  onEnd(listener: () => void): void;
}

/** An empty stream. */
export function createStream(): LineStream {
  const waiting: string[] = [];
  const endListeners: (() => void)[] = [];
  let isEnded = false;
  let wake: ((result: IteratorResult<string>) => void) | null = null;

  const finish = (): void => {
    if (isEnded) return;
    isEnded = true;
    for (const listener of endListeners) listener();
    if (wake !== null && waiting.length === 0) wake({ done: true, value: undefined });
    wake = null;
  };
  const iterator: AsyncIterator<string> = {
    next() {
      const text = waiting.shift();
      if (text !== undefined) return Promise.resolve({ done: false, value: text });
      if (isEnded) return Promise.resolve({ done: true, value: undefined });
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    return() {
      waiting.length = 0;
      finish();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return {
    lines: { [Symbol.asyncIterator]: () => iterator },
    push(text) {
      if (isEnded) return;
      if (wake !== null) {
        const resolve = wake;
        wake = null;
        resolve({ done: false, value: text });
        return;
      }
      waiting.push(text);
      if (waiting.length > BACKLOG_MAX) finish();
    },
    end: finish,
    onEnd(listener) {
      if (isEnded) listener();
      else endListeners.push(listener);
    },
  };
}
