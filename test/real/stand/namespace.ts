// Runs a program in a network namespace of its own, in which the addresses of pods and Services are all local.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SERVICE_RANGE } from '../control-plane.ts';
import { POD_RANGE } from './network.ts';

/** Set for the program that runs inside. */
const INSIDE = 'SERIN_STAND';

/** True in a process that `runInNamespace` has started. */
export const isInNamespace = (): boolean => process.env[INSIDE] === 'namespace';

/** Resolves with the code that it ended with. Signals go to it, and it ends with this process. */
export async function runInNamespace(program: string, args: readonly string[]): Promise<number> {
  const setup = [
    'set -e',
    'ip link set lo up',
    `ip route add local ${POD_RANGE} dev lo`,
    `ip route add local ${SERVICE_RANGE} dev lo`,
    'exec "$@"',
  ];
  const child = spawn(
    'unshare',
    ['-n', '--', 'setpriv', '--pdeathsig', 'KILL', '--', 'bash', '-c', setup.join('\n'), '--', program, ...args],
    { stdio: 'inherit', env: { ...process.env, [INSIDE]: 'namespace' } },
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'close');
  return typeof code === 'number' ? code : 1;
}
