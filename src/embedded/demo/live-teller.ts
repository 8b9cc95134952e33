// The live view for terminals: what stays scrolls up, below it a board that is drawn anew up to ten times a second.
import type { CancelTimer, Clock } from '../../util/clock.ts';
import type { CheckView } from './canary-log.ts';
import { boundText, stamp, valueText, type Board, type Teller } from './teller.ts';

export interface LiveOptions {
  readonly clock: Clock;
  readonly write: (text: string) => void;
  /** Size of the terminal, now. */
  readonly columns: () => number;
  readonly rows: () => number;
  /** False where NO_COLOR is set. */
  readonly isColored: boolean;
  readonly board: () => Board;
}

const REDRAW_MS = 100;
const EVENTS_SHOWN = 6;
const BAR_CELLS = 30;
/** What a bar needs besides itself. */
const WEIGHT_TEXT_COLUMNS = 15;
const SPARKS = '▁▂▃▄▅▆▇█';
const TREND_SHOWN = 20;

const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
const ERASE_BELOW = '\u001B[J';
const up = (lines: number): string => (lines === 0 ? '\r' : `\r\u001B[${lines}A`);

/** Opens the view. */
export function openLiveTeller(options: LiveOptions): Teller {
  const { clock, write, board } = options;
  const kept: string[] = [];
  const events: string[] = [];
  let height = 0;
  let cancel: CancelTimer = clock.setTimer(0, redraw);

  function redraw(): void {
    cancel = clock.setTimer(REDRAW_MS, redraw);
    draw();
  }
  function draw(): void {
    const all = renderBoard(board(), events, options.columns(), options.isColored);
    // What does not fit could not be drawn over.
    const lines = all.slice(0, Math.max(options.rows() - 1, 1));
    const scrolled = kept.splice(0).map((line) => `${line}\n`);
    write(`${up(height)}${ERASE_BELOW}${scrolled.join('')}${lines.join('\n')}`);
    height = lines.length - 1;
  }

  write(HIDE_CURSOR);
  return {
    raw: (text) => void kept.push(text),
    line: (text) => void kept.push(`${stamp(board().seconds)}  ${text}`),
    event(text) {
      events.push(`${stamp(board().seconds)}  ${text}`);
      if (events.length > EVENTS_SHOWN) events.shift();
    },
    close() {
      cancel();
      draw();
      write(`\n${SHOW_CURSOR}`);
    },
  };
}

type Paint = (text: string, color: 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan') => string;
const CODES = { bold: 1, dim: 2, green: 32, red: 31, yellow: 33, cyan: 36 } as const;

/** The board as lines that fit the terminal. */
export function renderBoard(
  board: Board,
  events: readonly string[],
  columns: number,
  isColored: boolean,
): readonly string[] {
  const paint: Paint = (text, color) => (isColored ? `\u001B[${CODES[color]}m${text}\u001B[0m` : text);
  const { canary } = board;
  const head = `${board.canaryName}  ${canary.phase || 'Starting'}`;
  return [
    '',
    paint(cut(`serin demo  ${board.title}  ${board.seconds.toFixed(1)} s`, columns), 'bold'),
    cut(board.story, columns),
    '',
    paint(cut(head, columns), phaseColor(canary.phase)),
    cut(canary.message, columns),
    weightLine(board, columns, paint),
    loadLine(board, columns, paint),
    '',
    ...canary.checks.map((check) => checkLine(check, board.trends.get(check.name) ?? [], columns, paint)),
    ...events.map((event) => paint(cut(event, columns), 'dim')),
  ];
}

function phaseColor(phase: string): 'green' | 'red' | 'cyan' {
  if (phase === 'Failed') return 'red';
  return phase === 'Succeeded' || phase === 'Initialized' ? 'green' : 'cyan';
}

function weightLine({ canary, load }: Board, columns: number, paint: Paint): string {
  const cells = Math.min(Math.max(columns - WEIGHT_TEXT_COLUMNS, 0), BAR_CELLS);
  const full = Math.round((canary.weightPercent / 100) * cells);
  const seen = load.canaryPercent === null ? '' : `clients see ${load.canaryPercent.toFixed(1)} %`;
  const after = cut(`${String(canary.weightPercent).padStart(3)} %  ${seen}`, columns - cells - 8);
  return `weight  ${paint('█'.repeat(full), 'cyan')}${paint('░'.repeat(cells - full), 'dim')}${after}`;
}

function loadLine({ load }: Board, columns: number, paint: Paint): string {
  const { requestsPerSecond, requests, failed, newConnectionsPercent } = load;
  const failures = `${failed} failed`;
  const before = `load    ${Math.round(requestsPerSecond)} requests/s, ${requests} answered, `;
  const after = `, ${Math.round(newConnectionsPercent)} % on new connections`;
  if (before.length + failures.length + after.length > columns) return cut(before + failures + after, columns);
  return `${before}${paint(failures, failed === 0 ? 'green' : 'red')}${after}`;
}

const VERDICT_COLORS = { Pass: 'green', Fail: 'red', Insufficient: 'yellow', Error: 'yellow' } as const;

function checkLine(check: CheckView, trend: readonly number[], columns: number, paint: Paint): string {
  const name = check.name.padEnd(22);
  const verdict = check.verdict.padEnd(12);
  const value = check.value === null ? check.detail : `${valueText(check.value).padStart(8)}  ${boundText(check)}`;
  const rest = cut(`  ${value.padEnd(24)}  ${sparkline(trend, check)}`, columns - name.length - verdict.length);
  const color = VERDICT_COLORS[check.verdict as keyof typeof VERDICT_COLORS] ?? 'yellow';
  return cut(name, columns) + (columns > name.length + verdict.length ? paint(verdict, color) : '') + rest;
}

/** The last values as bars, on a scale that holds all of them and the bound. */
export function sparkline(values: readonly number[], { min, max }: Pick<CheckView, 'min' | 'max'>): string {
  const shown = values.slice(-TREND_SHOWN);
  const scale = [...shown, ...[min, max].filter((bound) => bound !== null)];
  const [low, high] = [Math.min(...scale), Math.max(...scale)];
  const step = (value: number): number => (high === low ? 0 : (value - low) / (high - low));
  return shown.map((value) => SPARKS[Math.round(step(value) * (SPARKS.length - 1))]).join('');
}

/** A line that is too long ends with `…`. */
function cut(text: string, columns: number): string {
  if (columns <= 0) return '';
  return text.length < columns ? text : `${text.slice(0, Math.max(columns - 2, 0))}…`;
}
