// Thin makers of prom-client meters, so that names, helps and labels stand in one line each.
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

export interface Maker {
  counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label>;
  /** `collect` is called when the metrics are read. */
  gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    collect?: () => void,
  ): Gauge<Label>;
  histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: readonly number[],
  ): Histogram<Label>;
}

/** Makes meters that `registry` shows. */
export function makerOf(registry: Registry): Maker {
  const registers = [registry];
  return {
    counter: (name, help, labelNames) => new Counter({ name, help, labelNames: [...labelNames], registers }),
    gauge: (name, help, labelNames, collect) =>
      new Gauge({ name, help, labelNames: [...labelNames], registers, ...(collect === undefined ? {} : { collect }) }),
    histogram: (name, help, labelNames, buckets) =>
      new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers }),
  };
}
