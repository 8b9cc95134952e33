// Writes the metrics page in slices, so that ten thousand Canaries do not hold up the event loop for a second.
// Format: Prometheus text exposition format 0.0.4; all lines of one name stand together.
import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { Registry } from 'prom-client';

export interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Lines written before the event loop has its turn: a few milliseconds. */
const SLICE_LINES = 1_000;

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, unknown>>;
  readonly metricName?: string | undefined;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: unknown;
  readonly values: readonly Sample[];
}

interface Meter {
  readonly name: string;
  get(): Promise<Family>;
}

/** The page of everything in `registries`; meters of the same name in several of them are one family. */
export async function writePage(registries: readonly Registry[]): Promise<MetricsPage> {
  const families = new Map<string, Meter[]>();
  for (const registry of registries) {
    for (const meter of registry.getMetricsAsArray() as unknown as readonly Meter[]) {
      families.set(meter.name, [...(families.get(meter.name) ?? []), meter]);
    }
  }
  const parts: string[] = [];
  for (const [name, meters] of families) {
    let isFirst = true;
    for (const meter of meters) {
      const family = await meter.get();
      if (isFirst) parts.push(`# HELP ${name} ${escapeHelp(family.help)}\n# TYPE ${name} ${String(family.type)}\n`);
      isFirst = false;
      for (let at = 0; at < family.values.length; at += SLICE_LINES) {
        parts.push(
          family.values
            .slice(at, at + SLICE_LINES)
            .map((sample) => writeSample(name, sample))
            .join(''),
        );
        await letOthersRun();
      }
    }
  }
  return { contentType: CONTENT_TYPE, body: parts.join('') };
}

function writeSample(name: string, { metricName, labels, value }: Sample): string {
  let text = '';
  for (const label in labels) text += `${text === '' ? '' : ','}${label}="${escapeLabel(String(labels[label]))}"`;
  return `${metricName ?? name}${text === '' ? '' : `{${text}}`} ${writeNumber(value)}\n`;
}

function writeNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

function escapeLabel(text: string): string {
  return /["\\\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"') : text;
}
