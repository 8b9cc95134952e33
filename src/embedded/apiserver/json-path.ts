// The small part of kubectl's JSONPath that printer columns use.
import { isObject } from '../../util/json.ts';
import { isSame } from './json.ts';

type Step = (value: unknown) => unknown[];

const compiled = new Map<string, Step[]>();

/** All values at a path such as `.status.conditions[?(@.type=="Ready")].status`. */
export function findAll(path: string, value: unknown): unknown[] {
  let steps = compiled.get(path);
  if (steps === undefined) {
    steps = compile(path);
    compiled.set(path, steps);
  }
  let found: unknown[] = [value];
  for (const step of steps) found = found.flatMap(step);
  return found;
}

const TOKEN =
  /^(?:\.((?:\\.|[^.[\]\\])+)|\[\?\(@((?:\.[A-Za-z0-9_-]+)+)\s*(==|!=)\s*["']?([^"')]*)["']?\)\]|\[['"]([^'"]+)['"]\]|\[(-?\d+)\]|\[\*\]|\.\*|\.)/;

function compile(path: string): Step[] {
  const steps: Step[] = [];
  let rest = path.replace(/^\{|\}$/g, '');
  if (!rest.startsWith('.') && !rest.startsWith('[')) rest = `.${rest}`;
  while (rest !== '') {
    const match = TOKEN.exec(rest);
    if (match === null) return [() => []];
    rest = rest.slice(match[0].length);
    steps.push(stepOf(match));
  }
  return steps;
}

function stepOf(match: RegExpExecArray): Step {
  const [text, member, filterPath, operator, wanted, quoted, index] = match;
  const name = quoted ?? member?.replace(/\\(.)/g, '$1');
  if (name !== undefined && name !== '*') {
    return (value) => (isObject(value) && value[name] !== undefined ? [value[name]] : []);
  }
  if (filterPath !== undefined) return filterStep(filterPath, operator === '==', wanted ?? '');
  if (index !== undefined) {
    return (value) => (Array.isArray(value) ? (value as unknown[]).slice(Number(index)).slice(0, 1) : []);
  }
  if (text === '.') return (value) => [value];
  return (value) => {
    if (Array.isArray(value)) return value as unknown[];
    return isObject(value) ? Object.values(value) : [];
  };
}

function filterStep(path: string, isEqual: boolean, wanted: string): Step {
  const inner = compile(path);
  return (value) => {
    if (!Array.isArray(value)) return [];
    return (value as unknown[]).filter((item) => {
      let found: unknown[] = [item];
      for (const step of inner) found = found.flatMap(step);
      return found.some((each) => isSame(String(each), wanted)) === isEqual;
    });
  };
}
