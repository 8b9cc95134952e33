// The demo's own scraper: it notes the first answer in which a breach can be seen, over the window or since the pod began.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startWitness, type Breach, type Witness } from '../../../../src/embedded/demo/witness.ts';
import { sleep, systemClock as clock } from '../../../../src/util/clock.ts';

const bounds = { successMinPercent: 99, durationMaxMs: 500, windowMs: 400 };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A pod whose page the test writes. `asked` resolves at its next scrape. */
async function servePage(): Promise<{ url: string; page: { text: string }; asked: () => Promise<void> }> {
  const page = { text: '' };
  let waiting: (() => void)[] = [];
  const server = createServer((_, response) => {
    response.end(page.text, () => {
      for (const resolve of waiting) resolve();
      waiting = [];
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const asked = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`, page, asked };
}

function watch(breach: Breach, ...urls: readonly string[]): Witness {
  const witness = startWitness({ clock, bounds, breach, urls: () => urls });
  closing.push(() => witness.stop());
  return witness;
}

const http = (good: number, bad: number): string => `# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_count{method="GET",status="200"} ${good}
http_request_duration_seconds_count{method="GET",status="500"} ${bad}
istio_requests_total{response_code="500"} 1000
`;
const slow = (
  within: number,
  all: number,
): string => `http_request_duration_seconds_bucket{status="200",le="0.5"} ${within}
http_request_duration_seconds_bucket{status="200",le="1"} ${all}
http_request_duration_seconds_bucket{status="200",le="+Inf"} ${all}
`;

async function untilSeen(witness: Witness): Promise<number> {
  for (;;) {
    const atMs = witness.breachMs();
    if (atMs !== null) return atMs;
    await sleep(clock, 10);
  }
}

describe('the witness', () => {
  it('sees errors as soon as their share is beyond the bound', async () => {
    const pod = await servePage();
    pod.page.text = http(200, 2);
    const witness = watch('errors', pod.url);
    await pod.asked();
    await pod.asked();
    expect(witness.breachMs()).toBeNull();
    const beforeMs = clock.monotonicMs();
    pod.page.text = http(200, 3);
    expect(await untilSeen(witness)).toBeGreaterThanOrEqual(beforeMs);
  });

  it('counts over the window only: what was good before does not hide what is bad now', async () => {
    const pod = await servePage();
    pod.page.text = http(100_000, 0);
    const witness = watch('errors', pod.url);
    // Ten looks take longer than two windows.
    for (let look = 0; look < 10; look += 1) await pod.asked();
    pod.page.text = http(100_010, 5);
    await untilSeen(witness);
  });

  it('adds the pods up, and goes on without one that does not answer', async () => {
    const [one, two] = [await servePage(), await servePage()];
    one.page.text = http(1_000, 0);
    two.page.text = http(0, 5);
    const witness = watch('errors', one.url, two.url, 'http://127.0.0.1:1/metrics');
    await one.asked();
    await one.asked();
    expect(witness.breachMs()).toBeNull();
    two.page.text = http(0, 50);
    await untilSeen(witness);
  });

  it('reads gRPC by its own codes', async () => {
    const pod = await servePage();
    pod.page.text = 'grpc_server_handled_total{grpc_code="OK"} 8\ngrpc_server_handled_total{grpc_code="Internal"} 2\n';
    await untilSeen(watch('errors', pod.url));
  });

  it('sees slowness once more than one request of a hundred took longer than the bound', async () => {
    const pod = await servePage();
    pod.page.text = slow(99, 100);
    const witness = watch('slow', pod.url);
    await pod.asked();
    await pod.asked();
    expect(witness.breachMs()).toBeNull();
    pod.page.text = slow(99, 102);
    await untilSeen(witness);
  });
});
