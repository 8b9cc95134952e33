// A controller that a test has started as a process of its own.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** The port in the line that says it is started. Rejects with everything that was logged when the process ends before. */
export function portOfController(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const entry = line.startsWith('{') ? (JSON.parse(line) as { message?: string; port?: number }) : {};
        if (entry.message === 'Started' && entry.port !== undefined) resolve(entry.port);
      });
    }
    child.once('exit', () => reject(new Error(said.join('\n'))));
  });
}

/** How a process ended: its exit code, or null after a signal. */
export function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', resolve);
  });
}
