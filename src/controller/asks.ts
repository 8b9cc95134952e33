// Questions that are out: a look waits for them, but anything that happens to its Canary breaks the wait off at once.

interface Ask {
  readonly name: string;
  readonly promise: Promise<unknown>;
  readonly abort: AbortController;
}

/** Runs at most one asking a key. A wait that was broken off is taken up by the next look with the same name. */
export class Asks {
  readonly #asks = new Map<string, Ask>();
  readonly #breakers = new Map<string, () => void>();

  /** Waits for the answers; null when the wait was broken off. A different name ends what was asked before. */
  async wait<T>(
    key: string,
    name: string,
    ask: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | null> {
    const current = this.#current(key, name, ask);
    const isBroken = await Promise.race([
      current.promise.then(() => false),
      new Promise<true>((resolve) => {
        this.#breakers.set(key, () => resolve(true));
        signal.addEventListener('abort', () => resolve(true), { once: true });
      }),
    ]).finally(() => this.#breakers.delete(key));
    if (isBroken) return null;
    this.#asks.delete(key);
    return (await current.promise) as T;
  }

  #current<T>(key: string, name: string, ask: (signal: AbortSignal) => Promise<T>): Ask {
    const existing = this.#asks.get(key);
    if (existing?.name === name) return existing;
    existing?.abort.abort();
    const abort = new AbortController();
    const promise = ask(abort.signal);
    // The answer may come while nobody waits; a failure is seen by whoever waits next.
    promise.catch(() => undefined);
    const created = { name, promise, abort };
    this.#asks.set(key, created);
    return created;
  }

  /** Something happened to this Canary: whoever waits looks again. */
  breakOff(key: string): void {
    this.#breakers.get(key)?.();
  }

  /** Forgets a key and ends what it asked. */
  forget(key: string): void {
    this.#asks.get(key)?.abort.abort();
    this.#asks.delete(key);
    this.breakOff(key);
  }

  close(): void {
    for (const key of this.#asks.keys()) this.forget(key);
  }
}
