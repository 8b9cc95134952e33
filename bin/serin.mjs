#!/usr/bin/env node
// The launcher: runs serin on a Node that is new enough, the pinned one where the machine's own is not.
// Written so that an old Node can read it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The oldest Node that works; `engines` of package.json says the same. */
const NODE_MIN = 24;
const here = fileURLToPath(import.meta.url);
const root = dirname(dirname(here));

if (Number(process.versions.node.split('.')[0]) >= NODE_MIN) {
  const source = join(root, 'src', 'main.ts');
  const entry = existsSync(source) ? source : join(root, 'dist', 'serin.mjs');
  await import(pathToFileURL(entry).href);
} else {
  runOnPinned();
}

function runOnPinned() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  // In a checkout, or beside serin where it is a dependency.
  const folders = [join(root, 'node_modules', 'node', 'bin'), join(dirname(root), 'node', 'bin')];
  const pinned = folders.map((folder) => join(folder, name)).find(existsSync);
  if (pinned === undefined) {
    process.stderr.write(
      `serin: Cannot run on Node ${process.versions.node}: must be ${NODE_MIN} or newer; install it, or run npm ci in the checkout\n`,
    );
    process.exitCode = 1;
    return;
  }
  const child = spawn(pinned, [here, ...process.argv.slice(2)], { stdio: 'inherit' });
  // The child ends first, and we end as it did. Ctrl-C in a terminal reaches it without us.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`serin: Cannot start ${pinned}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}
