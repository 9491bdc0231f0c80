/** Evaluates the CEL rules of a schema (x-kubernetes-validations) on a resource that is to be created. */
import { Environment } from '@marcbachmann/cel-js';
import {
  childSchema,
  type Finding,
  isObject,
  isWithin,
  type Path,
  type StructuralSchema,
  type ValidationRule,
} from './schema.ts';

export interface RuleOutcome {
  readonly broken: Finding[];
  /** Rules that could not be evaluated, with the reason: they say nothing about the resource. */
  readonly unchecked: Finding[];
}

/**
 * `suspect`: places where something else is wrong. Rules about them are evaluated all the same (the API server then
 * leaves out all rules), but one that fails to run, or that misses a field beside which there is an unknown one, is no
 * second problem.
 */
export function checkRules(root: StructuralSchema, value: unknown, suspect: readonly Path[]): RuleOutcome {
  const environment = kubernetesEnvironment();
  const outcome: RuleOutcome = { broken: [], unchecked: [] };
  const visit = (schema: StructuralSchema | undefined, item: unknown, path: Path): void => {
    const rules = schema?.['x-kubernetes-validations'] ?? [];
    for (const rule of rules.filter((rule) => !isTransition(rule))) {
      evaluate(environment, rule, toCel(schema, item), path, suspect, outcome);
    }
    const children = Array.isArray(item) ? [...item.entries()] : isObject(item) ? Object.entries(item) : [];
    for (const [step, child] of children) visit(childSchema(schema, step), child, [...path, step]);
  };
  visit(root, value, []);
  return outcome;
}

/** Rules about a change have nothing to say about a resource that is to be created. */
function isTransition({ rule }: ValidationRule): boolean {
  return /\boldSelf\b/.test(rule);
}

/** The language with those functions of Kubernetes' libraries that our rules use. */
function kubernetesEnvironment(): Environment {
  return new Environment()
    .registerVariable('self', 'dyn')
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) => [
      ...(text.match(new RegExp(pattern, 'g')) ?? []),
    ]);
}

function evaluate(
  environment: Environment,
  { rule, message }: ValidationRule,
  self: unknown,
  path: Path,
  suspect: readonly Path[],
  outcome: RuleOutcome,
): void {
  const later = { path, message: `not checked until the other problems are solved: ${message}` };
  try {
    if (environment.evaluate(rule, { self }) === true) return;
    const isConsequence = suspect.some((place) => place.length === path.length + 1 && isWithin(place, path));
    if (isConsequence) outcome.unchecked.push(later);
    else outcome.broken.push({ path, message });
  } catch (error) {
    // A time zone that does not exist: for the API server too the rule then fails.
    if (error instanceof RangeError) outcome.broken.push({ path, message });
    else if (suspect.some((place) => isWithin(place, path))) outcome.unchecked.push(later);
    else outcome.unchecked.push({ path, message: `needs the API server (${firstLine(error)}): ${message}` });
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? '';
}

/** CEL's int is a bigint; what the schema calls an integer must not become a double. */
function toCel(schema: StructuralSchema | undefined, value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((item) => toCel(schema?.items, item));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toCel(childSchema(schema, key), item)]));
}
