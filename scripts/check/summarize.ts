// From the output of the gate and the report of the tests to three numbers. What did not run counts as failed.

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

/** Counts. `checkLog` is the output of `npm run check`, `reportText` vitest's JSON report, `testStatus` how `npm test` ended. */
export function summarize(checkLog: string, reportText: string, testStatus: number): Summary {
  const checks = /^check: (\d+) passed, (\d+) failed$/m.exec(checkLog);
  const checksFailed =
    checks === null
      ? ['npm run check did not end']
      : [...checkLog.matchAll(/^✖ (.+?) +[\d.]+ s$/gm)].map(([, name]) => `check ${name ?? ''}`);
  const report = readReport(reportText);
  const testsFailed = report === null ? ['npm test did not end'] : failuresOf(report);
  // An error outside of any test fails the run, although no test failed.
  const names = [...checksFailed, ...testsFailed];
  if (testStatus !== 0 && testsFailed.length === 0) names.push(`npm test ended with ${testStatus}`);
  return {
    passed: Number(checks?.[1] ?? 0) + (report?.numPassedTests ?? 0),
    failed: Math.max(names.length, Number(checks?.[2] ?? 0)),
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
    names,
  };
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
