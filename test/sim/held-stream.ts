// One watch on the simulated wire: lines come from a socket, and reach their reader only when they are let go.
import { createStream } from '../../src/embedded/apiserver/stream.ts';

/** Counts what was sent against what has come, and holds it. */
export class HeldStream {
  /** Lines that the server has sent. */
  sent = 0;
  /** Whether the server answers with a stream at all. */
  isServed = false;
  /** Whether the server's side has ended. */
  isOver = false;
  readonly #reader = createStream();
  readonly #held: string[] = [];
  #come = 0;
  #hasLeft = false;
  #isFilled = false;

  /** Takes what comes from the socket, until it ends or breaks. */
  async fill(body: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const part of body) {
        const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          this.#come += 1;
          this.#held.push(`${line}\n`);
        }
      }
    } catch {
      // The reader has left.
    }
    this.#isFilled = true;
  }

  lines(): AsyncIterable<string> {
    return this.#reader.lines;
  }

  /** The reader goes: what comes after is of no account. */
  leave(): void {
    this.#hasLeft = true;
    this.#reader.end();
  }

  /** True while something was sent that has not come, or an end that the other side does not know of. */
  isOnItsWay(): boolean {
    if (!this.isServed) return false;
    if (this.#hasLeft) return !this.isOver;
    return this.#come < this.sent || (this.isOver && !this.#isFilled);
  }

  /** True when both sides are through with it. */
  mayEnd(): boolean {
    return this.isServed && this.isOver && (this.#hasLeft || this.#isFilled);
  }

  /** Lets the oldest line go. */
  release(): void {
    const line = this.#held.shift();
    if (line !== undefined && !this.#hasLeft) this.#reader.push(line);
  }

  end(): void {
    this.#reader.end();
  }
}
