// From the output of the gate and the reports of the tests to three numbers. What did not run counts as failed.

/** What came of everything. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed. */
  readonly names: readonly string[];
}

/** The part of vitest's JSON report that is read. */
interface Report {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** One run of vitest. */
export interface TestRun {
  /** The command, for people. */
  readonly name: string;
  /** Its JSON report; empty when it wrote none. */
  readonly reportText: string;
  /** How it ended. */
  readonly status: number;
}

/** Counts. `checkLog` is the output of `npm run check`. */
export function summarize(checkLog: string, runs: readonly TestRun[]): Summary {
  const checks = /^check: (\d+) passed, (\d+) failed$/m.exec(checkLog);
  const checksFailed =
    checks === null
      ? ['npm run check did not end']
      : [...checkLog.matchAll(/^✖ (.+?) +[\d.]+ s$/gm)].map(([, name]) => `check ${name ?? ''}`);
  const reports = runs.map(({ reportText }) => readReport(reportText));
  const testsFailed = runs.flatMap((run, index) => failuresOfRun(run, reports[index] ?? null));
  const sum = (count: (report: Report) => number): number =>
    reports.reduce((total, report) => total + (report === null ? 0 : count(report)), 0);
  return {
    passed: Number(checks?.[1] ?? 0) + sum(({ numPassedTests }) => numPassedTests),
    failed: Math.max(checksFailed.length, Number(checks?.[2] ?? 0)) + testsFailed.length,
    skipped: sum(({ numPendingTests, numTodoTests }) => numPendingTests + numTodoTests),
    names: [...checksFailed, ...testsFailed],
  };
}

/** An error outside of any test fails the run, although no test failed. */
function failuresOfRun({ name, status }: TestRun, report: Report | null): readonly string[] {
  const failed = report === null ? [`${name} did not end`] : failuresOf(report);
  return status !== 0 && failed.length === 0 ? [`${name} ended with ${status}`] : failed;
}

function readReport(text: string): Report | null {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return null;
  }
}

function failuresOf(report: Report): readonly string[] {
  return report.testResults.flatMap(({ name, status, assertionResults }) => {
    const failed = assertionResults.filter((result) => result.status === 'failed').map(({ fullName }) => fullName);
    // A file that could not be loaded has no test.
    return failed.length === 0 && status === 'failed' ? [name] : failed;
  });
}
