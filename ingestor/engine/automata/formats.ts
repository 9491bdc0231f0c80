/** Automata of the values of `format`. */
import { commonPatterns, formatPatterns } from '../formatpatterns.ts';
import { type Automaton, type Budget, compileAutomaton, intersect } from './automaton.ts';

/**
 * What it accepts is of the format. What it refuses is not, save for leap seconds (`time`, `date-time`) and for host names
 * of more than 63 characters or with labels such as `xn--a`: of these only the judge knows. Undefined for other formats.
 */
export function automatonOfFormat(name: string, budget?: Budget): Automaton | undefined {
  const [first, ...others] = patternsOf(name).map((pattern) => compileAutomaton(pattern, budget));
  return others.reduce((all, next) => all && next && intersect(all, next, budget), first);
}

function patternsOf(name: string): readonly string[] {
  if (isKeyOf(formatPatterns, name)) return [formatPatterns[name]];
  return isKeyOf(commonPatterns, name) ? commonPatterns[name] : [];
}

function isKeyOf<T extends object>(table: T, name: PropertyKey): name is keyof T {
  return Object.hasOwn(table, name);
}
