// Processor time and memory of a process, as the kernel counts them.
import { readFileSync } from 'node:fs';

/** What a process has used so far. */
export interface ProcUsage {
  /** In user and system mode, all threads. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** The most that was resident at once. */
  readonly peakBytes: number;
}

/** Ticks of a second in /proc/PID/stat: USER_HZ, which Linux fixes at 100 for all that it shows to programs. */
const TICKS_PER_SECOND = 100;

/** Reads it from /proc (Linux; see proc(5) for the fields). */
export function readProc(pid: number): ProcUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field, in brackets, may hold blanks; utime and stime are the 14th and the 15th of all.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentBytes: kibibytes('VmRSS') * 1_024,
    peakBytes: kibibytes('VmHWM') * 1_024,
  };
}
