// Quantities such as `100m` and `1Gi`, brought into the one form in which the server stores them.

const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const FORM = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([eE])([+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)?)$/;

/** The canonical text of a quantity; null when it is none. */
export function canonicalQuantity(value: string | number): string | null {
  const match = FORM.exec(String(value).trim());
  if (match === null) return null;
  const [, sign = '', digits = '', exponentMark, exponentText = '0', suffix = ''] = match;
  const [whole = '0', fraction = ''] = digits.split('.');
  if (BINARY.includes(suffix) && suffix !== '') return binaryText(sign, whole, fraction, suffix);
  const exponent = exponentMark === undefined ? (DECIMAL.indexOf(suffix) - 3) * 3 : Number(exponentText);
  return decimalText(sign, `${whole}${fraction}`, exponent - fraction.length, exponentMark !== undefined);
}

function decimalText(sign: string, digits: string, exponent: number, isScientific: boolean): string {
  let mantissa = BigInt(digits === '' ? '0' : digits);
  if (mantissa === 0n) return '0';
  let power = exponent;
  // Nothing finer than a billionth is kept; what is lost is rounded up.
  while (power < -9) {
    mantissa = (mantissa + 9n) / 10n;
    power += 1;
  }
  while (mantissa % 10n === 0n) {
    mantissa /= 10n;
    power += 1;
  }
  while (power % 3 !== 0 || power > 18) {
    mantissa *= 10n;
    power -= 1;
  }
  const prefix = sign === '-' ? '-' : '';
  if (isScientific) return `${prefix}${mantissa}${power === 0 ? '' : `e${power}`}`;
  return `${prefix}${mantissa}${DECIMAL[power / 3 + 3] ?? ''}`;
}

function binaryText(sign: string, whole: string, fraction: string, suffix: string): string {
  let level = BINARY.indexOf(suffix);
  const scale = 10n ** BigInt(fraction.length);
  let bytes = (BigInt(`${whole}${fraction}`) * 1024n ** BigInt(level) + scale - 1n) / scale;
  const prefix = sign === '-' ? '-' : '';
  if (bytes === 0n) return '0';
  level = 0;
  while (bytes % 1024n === 0n && level < BINARY.length - 1) {
    bytes /= 1024n;
    level += 1;
  }
  return `${prefix}${bytes}${BINARY[level] ?? ''}`;
}
