// Starts the Prometheus of the cost bench beside it, so that its work is not among what is measured.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PrometheusOrder, PrometheusReport } from './prometheus-process.ts';

/** One that runs. */
export interface CostPrometheus {
  readonly url: string;
  /** From now on every success rate is a breach, or none is. */
  setFailing(isFailing: boolean): void;
  report(): Promise<PrometheusReport>;
  stop(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1. */
export async function startCostPrometheus(): Promise<CostPrometheus> {
  const child = fork(join(import.meta.dirname, 'prometheus-process.ts'), { stdio: 'inherit' });
  const next = async (): Promise<PrometheusReport> => {
    const [report] = (await once(child, 'message')) as [PrometheusReport];
    return report;
  };
  const tell = (order: PrometheusOrder): void => void child.send(order);
  const { port } = await next();
  return {
    url: `http://127.0.0.1:${port}`,
    setFailing: (isFailing) => tell({ isFailing }),
    report() {
      const answer = next();
      tell({ isReportWanted: true });
      return answer;
    },
    async stop() {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
}
