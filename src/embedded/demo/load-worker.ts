// The thread of the load: sends requests and reports answers in batches until it is told to stop.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock, type Clock } from '../../util/clock.ts';
import { openGrpcSender } from './grpc-sender.ts';
import { openHttpSender } from './http-sender.ts';
import type { LoadOrder, LoadReport, LoadTask } from './load-thread.ts';
import { startLoad, type Answer } from './load.ts';

const REPORT_EVERY_MS = 20;

const task = workerData as LoadTask;
const clock: Clock = {
  ...systemClock,
  monotonicMs: () => Number(process.hrtime.bigint() - task.zeroNs) / 1e6,
};
const sender = task.protocol === 'grpc' ? openGrpcSender(task.address, clock) : openHttpSender(task.address);
let { hosts } = task;
let answers: Answer[] = [];
const load = startLoad({
  clock,
  sender,
  requestsPerSecond: task.requestsPerSecond,
  hosts: () => hosts,
  onAnswer: (answer) => answers.push(answer),
});

function report(): void {
  const pending = [...load.pending()];
  const told: LoadReport = {
    answers,
    atMs: clock.monotonicMs(),
    oldestPendingMs: pending.length === 0 ? null : Math.min(...pending),
  };
  answers = [];
  parentPort?.postMessage(told, []);
}

const timer = setInterval(report, REPORT_EVERY_MS);
parentPort?.on('message', (order: LoadOrder) => {
  if (order.kind === 'hosts') hosts = order.hosts;
  else void stop();
});

async function stop(): Promise<void> {
  await load.stop();
  clearInterval(timer);
  report();
  parentPort?.close();
}
