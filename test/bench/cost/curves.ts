// Draws curves against the number of Canaries as SVG, for the docs: no library, one look, readable in light and dark.
/** One line of a chart. */
export interface Curve {
  readonly name: string;
  /** Ascending in x; the number of Canaries, and what was measured. */
  readonly points: readonly (readonly [number, number])[];
}

/** What a chart shows. */
export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly curves: readonly Curve[];
}

const WIDTH = 640;
const HEIGHT = 320;
const LEFT = 64;
const RIGHT = 168;
const TOP = 40;
const BOTTOM = 40;
/** Told apart by people who see no red or no green, too. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8c6d00', '#56b4e9'];
const TICKS = 4;

/** The text of an SVG file. Both axes begin at zero, but the first is logarithmic: numbers of Canaries grow by factors. */
export function drawChart({ title, unit, curves }: Chart): string {
  const all = curves.flatMap(({ points }) => points);
  const xs = [...new Set(all.map(([x]) => x))].sort((a, b) => a - b);
  const top = niceAbove(Math.max(0, ...all.map(([, y]) => y)));
  const scale = { left: Math.log10(xs[0] ?? 1), right: Math.log10(xs.at(-1) ?? 10), top };
  const lines = curves.map((curve, index) => drawCurve(curve, COLORS[index % COLORS.length] ?? '#000', index, scale));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#888">`,
    `<title>${escape(title)}</title>`,
    `<text x="${LEFT}" y="20" font-size="14">${escape(title)}</text>`,
    ...gridOf(xs, unit, scale),
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

interface Scale {
  /** Decimal logarithms of the first and last number of Canaries. */
  readonly left: number;
  readonly right: number;
  readonly top: number;
}

function xOf(value: number, { left, right }: Scale): number {
  const share = right > left ? (Math.log10(value) - left) / (right - left) : 0.5;
  return Math.round(LEFT + share * (WIDTH - LEFT - RIGHT));
}

const yOf = (value: number, { top }: Scale): number =>
  Math.round(HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM));

function gridOf(xs: readonly number[], unit: string, scale: Scale): readonly string[] {
  const right = WIDTH - RIGHT;
  const rows = Array.from({ length: TICKS + 1 }, (_, index) => (scale.top / TICKS) * index).map((value) => {
    const y = yOf(value, scale);
    const line = `<line x1="${LEFT}" y1="${y}" x2="${right}" y2="${y}" stroke="#888" stroke-opacity="0.3"/>`;
    return `${line}<text x="${LEFT - 6}" y="${y + 4}" text-anchor="end">${Number(value.toPrecision(3))}</text>`;
  });
  const columns = xs.map(
    (value) => `<text x="${xOf(value, scale)}" y="${HEIGHT - 22}" text-anchor="middle">${value}</text>`,
  );
  const axis = `<text x="${(LEFT + right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">Canaries</text>`;
  return [...rows, ...columns, axis, `<text x="${LEFT - 6}" y="${TOP - 8}" text-anchor="end">${escape(unit)}</text>`];
}

function drawCurve({ name, points }: Curve, color: string, index: number, scale: Scale): string {
  const places = points.map(([x, y]) => `${xOf(x, scale)},${yOf(y, scale)}`);
  const dots = places.map((place) => {
    const [x = '', y = ''] = place.split(',');
    return `<circle cx="${x}" cy="${y}" r="3" fill="${color}"/>`;
  });
  const x = WIDTH - RIGHT + 16;
  const y = TOP + 12 + index * 18;
  const key = `<rect x="${x}" y="${y - 9}" width="10" height="10" fill="${color}"/><text x="${x + 16}" y="${y}">${escape(name)}</text>`;
  return `<polyline points="${places.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>${dots.join('')}${key}`;
}

/** The smallest of 1, 2, 4, 5, 8 times a power of ten that is not below the value. */
function niceAbove(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
