// What `helm test` runs in the image: asks the Service until the controller of this version is ready, for a minute at most.
const [base, version] = process.argv.slice(-2);
const deadlineMs = Date.now() + 60_000;
const ask = async (path) => {
  const answer = await fetch(base + path, { signal: AbortSignal.timeout(5_000) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${text.trim()}`);
  return text;
};
for (;;) {
  try {
    await ask('/readyz');
    const info = (await ask('/metrics')).split('\n').find((line) => line.startsWith('flagger_info{'));
    if (!info?.includes(`version="${version}"`)) throw new Error(`it runs ${info}, must be version ${version}`);
    process.stdout.write(`serin ${version} is ready\n`);
    break;
  } catch (error) {
    if (Date.now() > deadlineMs) {
      process.stderr.write(`serin is not ready: ${error.cause?.message ?? error.message}\n`);
      process.exit(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
